//! The scenarios, by what they are about.

mod asking;
mod bridging;
mod calling;
mod dialling;
mod playing;

use std::pin::Pin;

use super::session::{Session, Stuck};

/// A scenario that is being played.
pub type Played<'a> = Pin<Box<dyn Future<Output = Result<(), Stuck>> + 'a>>;

/// How a scenario is played.
pub type Script = for<'s, 'w> fn(&'s mut Session<'w>) -> Played<'s>;

macro_rules! scenarios {
    ($($file:ident: $($name:ident)*;)*) => {
        /// Every scenario with its name.
        pub const ALL: &[(&str, Script)] = &[
            $($((stringify!($name), |session| Box::pin($file::$name(session))),)*)*
        ];
    };
}

scenarios! {
    calling: answered answered_twice hung_up_by_us_before_the_answer hung_up_by_us_after_the_answer
        hung_up_with_a_reason hung_up_with_a_reason_code given_up_before_the_answer hung_up_by_the_caller
        a_key_is_pressed ringing_and_not_ringing music_on_hold continued_to_the_next_priority
        continued_to_a_place continued_to_a_place_that_does_not_exist continued_to_a_label_that_does_not_exist
        digits_sent;
    dialling: an_agent_answers an_agent_is_busy an_agent_declines nobody_answers_in_time
        an_endpoint_that_does_not_exist cancelled_while_it_rings a_caller_leaves_while_it_rings
        an_id_that_is_taken_by_a_channel created_and_dialled originated_to_the_dialplan a_ringing_channel_is_in_no_application
        a_created_channel_is_in_the_wrong_state;
    bridging: a_bridge_is_made_and_unmade a_bridge_id_that_is_taken one_channel_joins_and_leaves
        two_join_and_one_hangs_up two_join_in_one_request who_cannot_join who_cannot_leave a_bridge_with_a_caller_is_unmade
        external_media external_media_joins an_id_that_is_taken_by_media from_one_bridge_to_another;
    playing: a_sound_to_its_end a_sound_is_stopped a_caller_hangs_up_while_a_sound_plays a_sound_that_does_not_exist
        two_sounds_wait_their_turn playbacks_that_are_not_there;
    asking: variables functions what_is_not_there what_is_badly_asked an_application lists;
}

/// Scenario names are unique: they find the committed traces.
#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn each_scenario_has_a_name_of_its_own() {
        let mut names: Vec<&str> = ALL.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }
}
