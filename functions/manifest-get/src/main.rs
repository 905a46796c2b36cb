//! The function's binary, `bootstrap` in Lambda.

fn main() -> Result<(), runtime::StartError> {
    manifest_get::main()
}
