//! The file that is to apply, and the deployment that it is to apply to.

use std::io::{IsTerminal as _, Read as _};

use clap::Args;
use lambda_registry::Deployment;
use storage::Storage;

use super::error::GrantsError;
use super::file::File;

/// The file, and where it is to apply.
#[derive(Args)]
pub(crate) struct Source {
    /// A file of YAML; - for standard input
    ///
    /// It has up to three sections: users, iam, anonymous. One that isn't there is left alone; one that is there is the
    /// whole truth, so a user who isn't in it is deleted.
    file: String,
    #[command(flatten)]
    pub(super) deployment: Deployment,
}

/// The longest file, in bytes.
const LONGEST_FILE: usize = 4 * 1024 * 1024;

impl Source {
    /// The deployment's table.
    pub(super) async fn open(&self) -> Result<Storage, GrantsError> {
        self.deployment.open().await.map_err(GrantsError::Deployment)
    }

    fn is_standard_input(&self) -> bool {
        self.file == "-"
    }

    /// The file.
    ///
    /// # Errors
    /// When it can't be read or understood.
    pub(super) fn read(&self) -> Result<File, GrantsError> {
        let name = if self.is_standard_input() { "standard input" } else { &self.file };
        let file = |cause| GrantsError::File { name: name.to_owned(), cause };
        let mut text = String::new();
        let reader: Box<dyn std::io::Read> = match self.is_standard_input() {
            true => Box::new(std::io::stdin()),
            false => Box::new(std::fs::File::open(&self.file).map_err(file)?),
        };
        reader.take(LONGEST_FILE as u64 + 1).read_to_string(&mut text).map_err(file)?;
        if text.len() > LONGEST_FILE {
            return Err(GrantsError::FileTooLong { name: name.to_owned(), most: LONGEST_FILE });
        }
        File::parse(&text).map_err(|error| GrantsError::Malformed { name: name.to_owned(), error })
    }

    /// Asks whoever sits there.
    ///
    /// # Errors
    /// When nobody does, and when the answer isn't yes.
    pub(super) fn confirm(&self) -> Result<(), GrantsError> {
        let stdin = std::io::stdin();
        if self.is_standard_input() || !stdin.is_terminal() {
            return Err(GrantsError::NobodyToAsk);
        }
        eprint!("Apply this? Only yes is accepted: ");
        let mut answer = String::new();
        stdin.read_line(&mut answer).map_err(|_| GrantsError::NobodyToAsk)?;
        if answer.trim() == "yes" { Ok(()) } else { Err(GrantsError::Declined) }
    }
}
