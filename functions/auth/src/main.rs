//! The function's binary, `bootstrap` in Lambda.

fn main() -> Result<(), runtime::StartError> {
    auth::main()
}
