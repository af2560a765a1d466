//! What no list of examples covers: rules that hold for whatever comes in and whatever happened.

mod anything;
mod events;
mod hub_decode;
mod hub_encode;
mod rooms_decode;
mod rooms_encode;
mod socketio_decode;
mod socketio_encode;
mod socketio_places;
mod types;
