//! What a phone asks for when it transfers a call, where the application does the transfer.

use super::bridge::Bridge;
use super::channel::Channel;
use super::model::model;

model! {
    /// Where a transfer is to go.
    ReferTo {
        /// What was asked for.
        requested_destination: RequiredDestination,
        /// The channel that is asked for, in an attended transfer.
        destination_channel: Option<Channel> = may,
        /// Who is connected to that channel.
        connected_channel: Option<Channel> = may,
        /// The bridge of the two.
        bridge: Option<Bridge> = may,
    }
}

model! {
    /// Who asks for a transfer.
    ReferredBy {
        /// The channel of the phone that asks.
        source_channel: Option<Channel> = may,
        /// Who is connected to it.
        connected_channel: Option<Channel> = may,
        /// The bridge of the two.
        bridge: Option<Bridge> = may,
    }
}

model! {
    /// What a transfer asked for.
    RequiredDestination {
        /// The protocol's own id of the call that is asked for, such as the SIP Call-ID.
        protocol_id: Option<String> = may,
        /// The number that is asked for.
        destination: Option<String> = may,
        /// What the protocol sent along.
        additional_protocol_params: Vec<AdditionalParam>,
    }
}

model! {
    /// Something that the protocol sent along.
    AdditionalParam {
        /// Its name.
        parameter_name: String,
        /// Its value.
        parameter_value: String,
    }
}
