//! The function's binary, `bootstrap` in Lambda.

fn main() -> Result<(), runtime::StartError> {
    schema1_upgrade::main()
}
