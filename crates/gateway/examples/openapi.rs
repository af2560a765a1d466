//! Prints the description of the HTTP API, as it is committed in `docs/openapi.json`.

fn main() {
    print!("{}", gateway::openapi_json());
}
