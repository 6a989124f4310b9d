//! In which country is an address? Looked up in a MaxMind DB file that the declaration names, which is
//! read whole when the estate is loaded. What cannot be looked up, or is older than declared, is not
//! available, and then no list of countries lets anybody in (law 8).

use std::fs::File;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use maxminddb::Reader;
use portcullis_config::Declaration;
use portcullis_core::facts::Country;
use portcullis_model::Timestamp;
use serde::Deserialize;

/// Largest file, in bytes; files with countries alone are below 10 MiB.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// An open file.
#[derive(Debug)]
pub struct Countries {
    reader: Reader<Vec<u8>>,
    stale_until: Timestamp,
}

#[derive(Deserialize)]
struct Found<'a> {
    #[serde(borrow)]
    country: Option<Code<'a>>,
}

#[derive(Deserialize)]
struct Code<'a> {
    iso_code: Option<&'a str>,
}

impl Countries {
    /// Opens the file of a declaration, where it names one.
    ///
    /// # Errors
    /// Says why the file cannot be used.
    pub fn open(declaration: &Declaration, folder: &Path) -> Result<Option<Self>, String> {
        let Some(declared) = &declaration.countries else { return Ok(None) };
        read(&folder.join(&declared.file.value), declared.stale_until).map(Some)
    }

    /// The country of an address.
    #[must_use]
    pub fn find(&self, address: IpAddr, now: Timestamp) -> Country {
        if now >= self.stale_until {
            return Country::Unavailable;
        }
        let found = self.reader.lookup(address).and_then(|found| found.decode::<Found<'_>>());
        match found {
            Err(error) => {
                tracing::warn!(%error, "the country of an address cannot be looked up");
                Country::Unavailable
            }
            Ok(found) => {
                let code = found.and_then(|found| found.country).and_then(|one| one.iso_code);
                code.map_or(Country::Unknown, |code| Country::Known(code.to_ascii_uppercase()))
            }
        }
    }
}

fn read(path: &Path, stale_until: Duration) -> Result<Countries, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    let bound = FILE_BYTES_MAX.saturating_add(1);
    file.take(bound).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
        return Err(format!("larger than {FILE_BYTES_MAX} bytes"));
    }
    let reader = Reader::from_source(bytes).map_err(|error| error.to_string())?;
    reader.verify().map_err(|error| error.to_string())?;
    let built = Timestamp::from_secs(reader.metadata().build_epoch);
    Ok(Countries { reader, stale_until: built.plus(stale_until) })
}
