//! Prints the description of the socket doors, as it is committed in `docs/asyncapi.json`.

mod document;

fn main() {
    print!("{}", document::text());
}
