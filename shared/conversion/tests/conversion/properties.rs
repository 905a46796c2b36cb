//! What holds for every input. The bodies of the fuzz targets check each conversion that is made here: it gives the
//! same bytes a second time, its digest and signature verify, and nothing that it refers to is missing.

mod canonical;
mod images;
mod lists;
mod random_bytes;
mod schema1;
mod strategies;
