//! Music on hold.

use super::{Done, Switchboard};

/// Music on hold in the bridge where the caller is. It begins and ends by one request after the other, so that the last
/// wish holds.
#[derive(Default)]
pub(super) struct Music {
    wanted: Option<String>,
    /// Which class plays in which bridge.
    plays: Option<(String, String)>,
    changing: bool,
}

impl Switchboard {
    /// Has this class of music play to the caller, or none.
    pub(in crate::driver) fn music(&mut self, class: Option<String>) {
        self.music.wanted = class;
        self.change_music();
    }

    fn change_music(&mut self) {
        let music = &mut self.music;
        let plays = music.plays.as_ref().map(|(class, _)| class);
        if music.changing || music.wanted.as_ref() == plays {
            return;
        }
        music.changing = true;
        // In a conference a caller who is alone is sent nothing into which our voice could be mixed; and there is music
        // for nobody else.
        let conference = self.seated.as_ref().filter(|seated| seated.is_there());
        let here = conference.map_or(&self.room.bridge, |seated| &seated.seat.bridge.id).clone();
        let (client, wanted, plays) =
            (self.client.clone(), music.wanted.clone(), music.plays.clone());
        self.request(async move {
            let bridges = client.bridges();
            let (changed, plays) = match (wanted, plays) {
                (Some(class), _) => {
                    (bridges.start_moh(&here, Some(&class)).await, Some((class, here)))
                }
                (None, Some((_, there))) => (bridges.stop_moh(&there).await, None),
                (None, None) => (Ok(()), None),
            };
            if let Err(error) = changed {
                tracing::warn!(%error, "music on hold could not be begun or ended");
            }
            Done::MusicChanged(plays)
        });
    }

    pub(super) fn music_changed(&mut self, plays: Option<(String, String)>) {
        self.music.plays = plays;
        self.music.changing = false;
        self.change_music();
    }
}
