//! The largest of everything: blobs, requests, layers of an image, manifests, annotations.
//!
//! What is large is made up while it is sent, and checked by its digest when it is pulled.

mod blobs;
mod images;
mod manifests;
mod pieces;
mod referrers;
