internal import NIOCore
internal import NIOSSL
package import Primitives

/// What a node shows to others and by what it judges them: its certificate, its key, and the
/// authorities that it believes. Everything between nodes is TLS 1.3 with certificates on both
/// sides; after the handshake each side also reads the peer's name out of the certificate
/// (`PeerName`) and compares it with whom it meant to reach.
package struct TLSIdentity: Sendable, CustomStringConvertible {
    package static let certificateFile = "node.pem"
    package static let keyFile = "node-key.pem"
    package static let authorityFile = "ca.pem"

    package let name: PeerName
    package let certificatePEM: String
    /// One authority or, while the authority is being replaced, several.
    package let authorityPEM: String
    /// The end of the certificate's validity.
    package let expires: WallTime
    package let validFrom: WallTime
    let keyPEM: Secret

    package var clusterID: String { name.cluster }
    package var node: NodeID { name.node }
    package var description: String { "identity of \(name)" }

    package init(certificatePEM: String, keyPEM: Secret, authorityPEM: String, object: String = "identity") throws(TransportError) {
        func bad(_ cause: String) -> TransportError {
            TransportError(.identity, "read", object, cause: cause, advice: "issue a new certificate for this node")
        }
        guard let certificate = try? NIOSSLCertificate(bytes: Array(certificatePEM.utf8), format: .pem) else {
            throw bad("the certificate is not PEM")
        }
        guard let name = PeerName(certificate: certificate) else {
            throw bad("the certificate names no node (a URI atoll://<cluster>/node/<id>)")
        }
        let key = try KeyPair(pem: keyPEM.bytes, object: object)
        guard try Certificate(pem: Array(certificatePEM.utf8), object: object).belongs(to: key) else {
            throw bad("the private key is not that of the certificate")
        }
        guard let authorities = try? NIOSSLCertificate.fromPEMBytes(Array(authorityPEM.utf8)), !authorities.isEmpty else {
            throw bad("the authority's certificate is not PEM")
        }
        self.name = name
        self.certificatePEM = certificatePEM
        self.keyPEM = keyPEM
        self.authorityPEM = authorityPEM
        expires = WallTime(nanoseconds: Int64(certificate.notValidAfter) * 1_000_000_000)
        validFrom = WallTime(nanoseconds: Int64(certificate.notValidBefore) * 1_000_000_000)
    }

    /// Writes `node.pem`, `ca.pem` and, with mode 0600, `node-key.pem`.
    package func save(to directory: String) throws(TransportError) {
        try PrivateFile.makeDirectory(directory)
        try PrivateFile.write(keyPEM.bytes, to: "\(directory)/\(Self.keyFile)", mode: 0o600)
        try PrivateFile.write(Array(certificatePEM.utf8), to: "\(directory)/\(Self.certificateFile)", mode: 0o644)
        try PrivateFile.write(Array(authorityPEM.utf8), to: "\(directory)/\(Self.authorityFile)", mode: 0o644)
    }

    package static func load(from directory: String) throws(TransportError) -> TLSIdentity {
        try TLSIdentity(
            certificatePEM: String(decoding: try PrivateFile.read("\(directory)/\(certificateFile)", secret: false), as: UTF8.self),
            keyPEM: Secret(try PrivateFile.read("\(directory)/\(keyFile)", secret: true)),
            authorityPEM: String(decoding: try PrivateFile.read("\(directory)/\(authorityFile)", secret: false), as: UTF8.self),
            object: directory)
    }

    package static func exists(in directory: String) -> Bool { PrivateFile.exists("\(directory)/\(keyFile)") }

    static func alternativeURIs(pem: String) -> [String] {
        guard let certificate = try? NIOSSLCertificate(bytes: Array(pem.utf8), format: .pem) else { return [] }
        return certificate._subjectAlternativeNames().filter { $0.nameType == .uri }.map { String(decoding: $0.contents, as: UTF8.self) }
    }
}

/// The two TLS contexts of an identity. Making one parses keys and certificates, so they are made once.
struct TLSContexts: Sendable {
    let client: NIOSSLContext
    let server: NIOSSLContext

    init(_ identity: TLSIdentity) throws(TransportError) {
        do {
            let chain = try NIOSSLCertificate.fromPEMBytes(Array(identity.certificatePEM.utf8)).map {
                NIOSSLCertificateSource.certificate($0)
            }
            let key = NIOSSLPrivateKeySource.privateKey(try NIOSSLPrivateKey(bytes: identity.keyPEM.bytes, format: .pem))
            let roots = NIOSSLTrustRoots.certificates(try NIOSSLCertificate.fromPEMBytes(Array(identity.authorityPEM.utf8)))
            var server = TLSConfiguration.makeServerConfigurationWithMTLS(certificateChain: chain, privateKey: key, trustRoots: roots)
            var client = TLSConfiguration.makeClientConfiguration()
            client.certificateChain = chain
            client.privateKey = key
            client.trustRoots = roots
            // The chain is verified by TLS; the name is ours to compare (see PeerName).
            client.certificateVerification = .noHostnameVerification
            server.minimumTLSVersion = .tlsv13
            client.minimumTLSVersion = .tlsv13
            server.shutdownTimeout = .seconds(1)
            client.shutdownTimeout = .seconds(1)
            self.server = try NIOSSLContext(configuration: server)
            self.client = try NIOSSLContext(configuration: client)
        } catch {
            throw TransportError(.identity, "use", "\(identity)", cause: "\(error)", advice: "issue a new certificate for this node")
        }
    }
}
