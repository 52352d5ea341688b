//! How a plane's threads run.

use super::*;
use media::Scheduling;

/// The bit of a capability set that lets a process choose its threads' scheduling (capability.h).
const CAP_SYS_NICE: u32 = 23;

/// The policies (sched.h) of the threads with this name, which the kernel cuts at 15 bytes.
fn policies(name: &str) -> Vec<u32> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let tasks = tasks.map(|task| task.unwrap().path());
    let named = tasks.filter(|task| {
        std::fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim_end() == name)
    });
    named
        .map(|task| {
            let stat = std::fs::read_to_string(task.join("stat")).unwrap();
            let (_, after_name) = stat.rsplit_once(") ").unwrap();
            // Field 41 (proc_pid_stat(5)); the first after the name is field 3.
            after_name.split(' ').nth(38).unwrap().parse().unwrap()
        })
        .collect()
}

fn may_choose() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap();
    u64::from_str_radix(line.trim(), 16).unwrap() >> CAP_SYS_NICE & 1 == 1
}

#[tokio::test]
#[allow(clippy::print_stdout, reason = "a test that does less says so")]
async fn media_threads_run_before_ordinary_ones_where_they_may() {
    const ORDINARY: u32 = 0;
    const FIFO: u32 = 1;
    let realtime = if may_choose() {
        FIFO
    } else {
        println!("this process may not choose: only that it does without is tested");
        ORDINARY
    };
    for (scheduling, policy) in [(Scheduling::Realtime, realtime), (Scheduling::Ordinary, ORDINARY)]
    {
        let plane = Plane::start(&PlaneConfig { scheduling, ..Default::default() }).unwrap();
        // A leg that hears has both threads behind it: they have begun, and chosen.
        let (_leg, mut peer, mut frames) = connected(&plane).await;
        peer.speak(&codes(0)).await;
        frames.recv().await.unwrap();
        for name in ["media", "media teller"] {
            assert_eq!(policies(name), [policy], "{name}, {scheduling:?}");
        }
    }
}
