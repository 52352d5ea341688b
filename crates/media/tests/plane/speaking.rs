//! What a leg says.

use super::*;
use audio::rtp;
use media::Playout;
use std::net::Ipv4Addr;

#[tokio::test]
async fn a_prompt_arrives_whole_in_a_stream_without_gaps() {
    let plane = plane();
    let (mut leg, peer, _frames) = connected(&plane).await;
    let prompt: Vec<i16> = (0..5 * 160 + 80).map(|n| 5000 + n * 20).collect();
    let (first, silence) = peer.hear().await;
    assert!(first.marker, "a stream begins with a talk spurt");
    assert_eq!((first.payload_type, silence), (rtp::PCMU, [g711::ULAW_SILENCE; FRAME]));
    leg.play(Playout::once(42, prompt.clone()));

    let (mut heard, mut marked, mut last) = (Vec::new(), Vec::new(), first);
    for _ in 0..20 {
        let (header, sound) = peer.hear().await;
        assert_eq!(header.ssrc, first.ssrc);
        assert_eq!(header.sequence, last.sequence.wrapping_add(1));
        // The machine may have been late, and then time went on without a packet.
        let step = header.timestamp.wrapping_sub(last.timestamp);
        assert_eq!(step % 160, 0);
        if header.marker && step == 160 {
            marked.push(heard.len());
        }
        heard.extend(sound);
        last = header;
    }
    let start = heard.iter().position(|code| *code != g711::ULAW_SILENCE).unwrap();
    assert_eq!(marked, [start], "the prompt is the one talk spurt");
    let (spoken, after) = heard[start..].split_at(prompt.len());
    let expected: Vec<u8> = prompt.iter().map(|sample| g711::encode_ulaw_sample(*sample)).collect();
    assert_eq!(spoken, expected);
    assert!(after.iter().all(|code| *code == g711::ULAW_SILENCE));

    assert!(matches!(leg.next_event().await, Some(LegEvent::FirstAudioOut { id: 42, .. })));
    assert_eq!(leg.next_event().await, Some(LegEvent::Finished { id: 42 }));
}

#[tokio::test]
async fn first_audio_out_is_told_when_silence_is_over() {
    let plane = plane();
    let (mut leg, peer, _frames) = connected(&plane).await;
    let mut prompt = vec![0; 10 * FRAME];
    prompt.extend([8000; FRAME]);
    let start = tokio::time::Instant::now();
    leg.play(Playout::once(1, prompt));
    let Some(LegEvent::FirstAudioOut { id: 1, at }) = leg.next_event().await else {
        panic!("not the first event")
    };
    // Ten frames after the first, which came at once at the earliest.
    assert!(at - start >= Duration::from_millis(180), "after {:?}", at - start);
    drop(peer);
}

#[tokio::test]
async fn a_playout_that_is_stopped_or_replaced_does_not_finish() {
    let plane = plane();
    let (mut leg, peer, _frames) = connected(&plane).await;
    leg.play(Playout::forever(1, [8000; 100]));
    assert!(matches!(leg.next_event().await, Some(LegEvent::FirstAudioOut { id: 1, .. })));
    leg.play(Playout::forever(2, [9000; 100]));
    assert!(matches!(leg.next_event().await, Some(LegEvent::FirstAudioOut { id: 2, .. })));
    leg.stop(1);
    leg.stop(2);
    leg.play(Playout::once(3, [9000; FRAME]));
    assert!(matches!(leg.next_event().await, Some(LegEvent::FirstAudioOut { id: 3, .. })));
    assert_eq!(leg.next_event().await, Some(LegEvent::Finished { id: 3 }));
    leg.play(Playout::forever(4, [9000; FRAME]));
    leg.stop_all();
    leg.play(Playout::once(5, []));
    assert_eq!(leg.next_event().await, Some(LegEvent::Finished { id: 5 }));
    drop(peer);
}

#[tokio::test]
async fn a_leg_that_cannot_send_says_so_once_and_goes_on() {
    let plane = plane();
    let port = plane.port().unwrap().with_silent_after(Duration::from_secs(3600));
    let mut leg = port.start((Ipv4Addr::LOCALHOST, 0).into(), |_: &Frame| {});
    let Some(LegEvent::Failed(text)) = leg.next_event().await else { panic!("not failed") };
    assert!(text.starts_with("sending RTP: "), "{text}");
    counters_when(&plane, |counters| counters.send_failures >= 10).await;
    let mut events = Vec::new();
    let mut stats = leg.watch_stats();
    drop(stats.wait_for(|stats| stats.send_failures >= 10).await.unwrap());
    // All that was told before those counters is here.
    while let Some(Some(event)) = now_or_never(leg.next_event()).await {
        events.push(event);
    }
    assert_eq!(events, [], "told twice");
    drop(leg);
}

async fn now_or_never<T>(future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(Duration::ZERO, future).await.ok()
}
