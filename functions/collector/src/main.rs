//! The function's binary, `bootstrap` in Lambda.

fn main() -> Result<(), runtime::StartError> {
    collector::main()
}
