//! How an object of Asterisk becomes a type.

/// Defines an object: its type, how it is read and how it is written.
///
/// A field is read from what bears its name, or the word after `as`. Marks: `= must` for one without which the object
/// is refused, `= may` for an `Option`, `= time` for a timestamp, which is none when it cannot be read; any other has
/// its default where it is absent. `null` counts as absent. What has no field is kept in `other`, without a cost for
/// objects that have nothing else (serde's own `flatten` would buffer every object first).
macro_rules! model {
    (
        $(#[$meta:meta])*
        $name:ident {
            $( $(#[$field_meta:meta])* $field:ident $(as $word:literal)?: $type:ty $(= $mark:ident)?, )*
        }
        $(passes over $passed:literal)?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $( $(#[$field_meta])* pub $field: $type, )*
            /// Fields that this crate does not know, by name.
            pub other: serde_json::Map<String, serde_json::Value>,
        }

        #[cfg(test)]
        impl $crate::models::model::Object for $name {
            fn other(&self) -> &serde_json::Map<String, serde_json::Value> {
                &self.other
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Fields;

                impl<'de> serde::de::Visitor<'de> for Fields {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("an object ", stringify!($name)))
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<$name, A::Error> {
                        $( let mut $field: Option<$type> = None; )*
                        let mut other = serde_json::Map::new();
                        while let Some($crate::models::model::Key(key)) = map.next_key()? {
                            match &*key {
                                $(
                                    $crate::models::model::model!(@key $field $($word)?) => {
                                        $field =
                                            $crate::models::model::model!(@read map $($mark)?);
                                    }
                                )*
                                $( $passed => { map.next_value::<serde::de::IgnoredAny>()?; } )?
                                _ => {
                                    other.insert(key.into_owned(), map.next_value()?);
                                }
                            }
                        }
                        Ok($name {
                            $(
                                $field: $crate::models::model::model!(
                                    @take $field ($field $($word)?) $($mark)?
                                ),
                            )*
                            other,
                        })
                    }
                }

                deserializer.deserialize_map(Fields)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                let mut map = serializer.serialize_map(None)?;
                $(
                    $crate::models::model::model!(
                        @write map, &self.$field, ($field $($word)?) $($mark)?
                    );
                )*
                for (key, value) in &self.other {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    };

    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $word:literal) => { $word };

    (@read $map:ident time) => { $map.next_value::<$crate::models::model::Moment>()?.0 };
    (@read $map:ident $($mark:ident)?) => { $map.next_value()? };

    (@take $slot:ident ($($key:tt)*) must) => {
        $slot.ok_or_else(|| {
            serde::de::Error::missing_field($crate::models::model::model!(@key $($key)*))
        })?
    };
    (@take $slot:ident ($($key:tt)*) $($mark:ident)?) => { $slot.unwrap_or_default() };

    (@write $map:ident, $value:expr, ($($key:tt)*) may) => {
        if let Some(value) = $value {
            $map.serialize_entry($crate::models::model::model!(@key $($key)*), value)?;
        }
    };
    (@write $map:ident, $value:expr, ($($key:tt)*) time) => {
        $crate::models::model::model!(@write $map, $value, ($($key)*) may)
    };
    (@write $map:ident, $value:expr, ($($key:tt)*) $($mark:ident)?) => {
        $map.serialize_entry($crate::models::model::model!(@key $($key)*), $value)?
    };
}

pub(crate) use model;

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};

use super::timestamp::{Timestamp, lenient_timestamp};

/// The name of a field, borrowed where the text allows it.
#[derive(Deserialize)]
pub(crate) struct Key<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// A timestamp, none when it cannot be read. In the shape of a field's place: what is absent, then what is there.
pub(crate) struct Moment(pub(crate) Option<Option<Timestamp>>);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        lenient_timestamp(deserializer).map(|moment| Self(Some(moment)))
    }
}

/// Any type of the macro's.
#[cfg(test)]
pub(crate) trait Object: serde::Serialize + serde::de::DeserializeOwned {
    fn other(&self) -> &serde_json::Map<String, serde_json::Value>;
}
