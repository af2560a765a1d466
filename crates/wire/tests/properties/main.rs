//! What no list of examples covers: rules that hold for whatever comes in and whatever happened.

mod rooms_decode;
mod rooms_encode;
mod socketio_decode;
mod socketio_encode;
mod socketio_places;

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};
use serde_json::Value;

/// Any JSON, up to a moderate depth.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..4)
                .prop_map(|fields| fields.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}
