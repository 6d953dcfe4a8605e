//! The command `waybill`.

fn main() {
    // The embedded node runs this program again to set up a container: nothing may come before.
    waybill_embedded::node::enter();
}
