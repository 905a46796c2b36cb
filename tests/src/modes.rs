//! The ways in which the local stack runs, and macros that run a test in each of them.
//!
//! A test is a plain function that takes a [`Registry`](crate::registry::Registry). One that is written and not named
//! in a macro call is dead code, which the compiler reports.

/// A way in which the local stack runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As a newcomer starts it: the functions run inside the server.
    OneProcess,
    /// Every function is a process behind a Lambda Runtime API.
    FunctionProcesses,
    /// Nothing but what a deployment's gateway and functions do: no request carries more than about 4.4 MB.
    WithoutFront,
}

impl Mode {
    /// The command line flags that select the mode.
    pub fn flags(self) -> &'static [&'static str] {
        match self {
            Self::OneProcess => &[],
            Self::FunctionProcesses => &["--functions", "process"],
            Self::WithoutFront => &["--no-front"],
        }
    }
}

/// Makes a test of each function in each mode.
#[macro_export]
macro_rules! in_every_mode {
    ($($test:ident),+ $(,)?) => {
        $crate::in_modes_with_front![$($test),+];
        $crate::in_mode!(without_front, WithoutFront, $($test),+);
    };
}

/// Makes a test of each function in the modes that take layers of any size.
#[macro_export]
macro_rules! in_modes_with_front {
    ($($test:ident),+ $(,)?) => {
        $crate::in_mode!(one_process, OneProcess, $($test),+);
        $crate::in_mode!(function_processes, FunctionProcesses, $($test),+);
    };
}

/// Makes a module named after the mode with a test of each function.
#[macro_export]
macro_rules! in_mode {
    ($module:ident, $mode:ident, $($test:ident),+) => {
        mod $module {
            $(
                #[test]
                fn $test() {
                    super::$test(&$crate::registry::Registry::start($crate::modes::Mode::$mode.flags()));
                }
            )+
        }
    };
}
