internal import COpenSSL

/// From when until when a certificate is valid, relative to the moment of signing.
package struct CertificateValidity: Hashable, Sendable {
    /// Seconds from now to the first valid second. Default -300: clocks of nodes may differ by five minutes.
    package var start: Int
    /// Seconds from now to the last valid second.
    package var end: Int
    package init(start: Int = -300, end: Int) {
        self.start = start
        self.end = end
    }
    package static func days(_ count: Int) -> CertificateValidity { CertificateValidity(end: count * 86_400) }
    /// Ten years, for the authority: replacing it means visiting every node.
    package static let authority = CertificateValidity.days(3_650)
    /// One year, for a node. Advice: renew at half of it (`atoll doctor` warns 30 days before the end).
    package static let node = CertificateValidity.days(365)
}

/// Owns an EC P-256 key pair of libcrypto.
struct KeyPair: ~Copyable {
    let handle: OpaquePointer

    init() throws(TransportError) {
        guard let context = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nil) else { throw Libcrypto.failure("make key", "P-256") }
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1,
            EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1) == 1,
            EVP_PKEY_generate(context, &key) == 1, let key
        else { throw Libcrypto.failure("make key", "P-256") }
        handle = key
    }

    init(pem: [UInt8], object: String) throws(TransportError) {
        guard let key = Libcrypto.parse(pem, { PEM_read_bio_PrivateKey($0, nil, nil, nil) }) else {
            throw Libcrypto.failure("read private key", object, advice: "restore the file from its backup")
        }
        handle = key
    }

    deinit { EVP_PKEY_free(handle) }

    func pem() throws(TransportError) -> [UInt8] {
        try Libcrypto.collect("write private key") { PEM_write_bio_PrivateKey($0, handle, nil, nil, 0, nil, nil) }
    }
}

/// Owns an X.509 certificate of libcrypto.
struct Certificate: ~Copyable {
    let handle: OpaquePointer

    init(pem: [UInt8], object: String) throws(TransportError) {
        guard let certificate = Libcrypto.parse(pem, { PEM_read_bio_X509($0, nil, nil, nil) }) else {
            throw Libcrypto.failure("read certificate", object, advice: "restore the file from its backup")
        }
        handle = certificate
    }

    /// An unsigned version 3 certificate with a random serial number.
    init(subject: [(field: String, value: String)], key: borrowing KeyPair, validity: CertificateValidity) throws(TransportError) {
        handle = try Self.unsigned(subject, key, validity)
    }

    private static func unsigned(
        _ subject: [(field: String, value: String)], _ key: borrowing KeyPair, _ validity: CertificateValidity
    ) throws(TransportError) -> OpaquePointer {
        // 63 bits: positive, and well within the 20 bytes of RFC 5280 §4.1.2.2.
        let serial = max(1, try randomBytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) } >> 1)
        guard let certificate = X509_new() else { throw Libcrypto.failure("make certificate", "X.509") }
        var isGood =
            X509_set_version(certificate, 2) == 1 && ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial) == 1
            && X509_gmtime_adj(X509_getm_notBefore(certificate), validity.start) != nil
            && X509_gmtime_adj(X509_getm_notAfter(certificate), validity.end) != nil && X509_set_pubkey(certificate, key.handle) == 1
        let name = X509_get_subject_name(certificate)
        for (field, value) in subject {
            isGood =
                isGood
                && X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, Array(value.utf8), Int32(value.utf8.count), -1, 0) == 1
        }
        guard isGood else {
            X509_free(certificate)
            throw Libcrypto.failure("make certificate for", subject.last?.value ?? "nobody")
        }
        return certificate
    }

    deinit { X509_free(handle) }

    /// Adds an extension in the notation of OpenSSL's configuration files (x509v3_config(5)).
    func add(_ identifier: Int32, _ value: String, issuer: borrowing Certificate) throws(TransportError) {
        try add(identifier, value, issuer: issuer.handle)
    }

    /// The same for a certificate that signs itself.
    func add(_ identifier: Int32, _ value: String) throws(TransportError) { try add(identifier, value, issuer: handle) }

    private func add(_ identifier: Int32, _ value: String, issuer: OpaquePointer) throws(TransportError) {
        var context = X509V3_CTX()
        X509V3_set_ctx(&context, issuer, handle, nil, nil, 0)
        guard let addition = X509V3_EXT_conf_nid(nil, &context, identifier, value) else {
            throw Libcrypto.failure("add certificate extension", value)
        }
        defer { X509_EXTENSION_free(addition) }
        guard X509_add_ext(handle, addition, -1) == 1 else { throw Libcrypto.failure("add certificate extension", value) }
    }

    /// Signs with the key of `issuer`.
    func sign(issuer: borrowing Certificate, key: borrowing KeyPair) throws(TransportError) {
        try sign(issuerName: X509_get_subject_name(issuer.handle), key: key)
    }

    func signSelf(key: borrowing KeyPair) throws(TransportError) {
        try sign(issuerName: X509_get_subject_name(handle), key: key)
    }

    private func sign(issuerName: OpaquePointer?, key: borrowing KeyPair) throws(TransportError) {
        guard X509_set_issuer_name(handle, issuerName) == 1, X509_sign(handle, key.handle, EVP_sha256()) > 0 else {
            throw Libcrypto.failure("sign certificate", "X.509")
        }
    }

    func belongs(to key: borrowing KeyPair) -> Bool {
        defer { ERR_clear_error() }
        return X509_check_private_key(handle, key.handle) == 1
    }

    func pem() throws(TransportError) -> [UInt8] {
        try Libcrypto.collect("write certificate") { PEM_write_bio_X509($0, handle) }
    }
}
