//! A certificate authority of the test's own, and the certificate of everything that is AWS here.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::cloud::REGION;

/// What a server shows and what its clients trust.
pub(crate) struct Identity {
    /// The authority's certificate, as a PEM file holds it.
    pub(crate) authority: String,
    /// The server's certificate.
    pub(crate) certificate: CertificateDer<'static>,
    /// The server's key.
    pub(crate) key: PrivateKeyDer<'static>,
}

impl Identity {
    /// One for every host of AWS that the test meets: a wildcard stands for one label.
    pub(crate) fn of_aws() -> Self {
        let authority_key = KeyPair::generate().expect("a key");
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        authority.distinguished_name.push(DnType::CommonName, "The test's own authority");
        let authority = CertifiedIssuer::self_signed(authority, authority_key).expect("an authority");

        let hosts = [
            "*.amazonaws.com".to_owned(),
            "*.s3.amazonaws.com".to_owned(),
            // What version 1 of the AWS command line calls SQS.
            "*.queue.amazonaws.com".to_owned(),
            format!("*.{REGION}.amazonaws.com"),
            format!("*.s3.{REGION}.amazonaws.com"),
            format!("*.execute-api.{REGION}.amazonaws.com"),
        ];
        let key = KeyPair::generate().expect("a key");
        let mut certificate = CertificateParams::new(hosts).expect("host names");
        certificate.use_authority_key_identifier_extension = true;
        let certificate = certificate.signed_by(&key, &authority).expect("a certificate");
        Self {
            authority: authority.pem(),
            certificate: certificate.der().clone(),
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        }
    }
}
