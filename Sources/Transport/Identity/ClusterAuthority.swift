internal import COpenSSL
internal import NIOCore
package import Primitives

/// The cluster's certificate authority: an EC P-256 key and a self-signed X.509v3 certificate.
/// Whoever holds its key can add nodes, so it lies in a file of mode 0600 on the machine that
/// issues, and on no node. `pathlen:0` keeps the certificates it issues from issuing others.
package struct ClusterAuthority: Sendable {
    package static let certificateFile = "ca.pem"
    package static let keyFile = "ca-key.pem"

    package let clusterID: String
    package let certificatePEM: String
    let keyPEM: Secret

    /// Makes a new authority for `clusterID`.
    package static func create(clusterID: String, validity: CertificateValidity = .authority) throws(TransportError) -> ClusterAuthority {
        guard PeerName.isClusterID(clusterID) else {
            throw TransportError(
                .argument, "create authority for", "cluster \"\(clusterID.prefix(80))\"", cause: "not 1 to 64 of [A-Za-z0-9-_.]")
        }
        let key = try KeyPair()
        let certificate = try Certificate(subject: [("O", "Atoll cluster authority"), ("CN", clusterID)], key: key, validity: validity)
        try certificate.add(NID_basic_constraints, "critical,CA:TRUE,pathlen:0")
        try certificate.add(NID_key_usage, "critical,keyCertSign,cRLSign")
        try certificate.add(NID_subject_key_identifier, "hash")
        try certificate.add(NID_subject_alt_name, "URI:atoll://\(clusterID)/authority")
        try certificate.signSelf(key: key)
        return ClusterAuthority(
            clusterID: clusterID, certificatePEM: String(decoding: try certificate.pem(), as: UTF8.self), keyPEM: Secret(try key.pem()))
    }

    /// Makes a key and a certificate for a node. `hosts` are the names and addresses under which it
    /// is reached; they go into the certificate for the eyes of other tools.
    package func issue(
        node: NodeID, hosts: [String] = ["localhost", "127.0.0.1", "::1"], validity: CertificateValidity = .node
    ) throws(TransportError) -> TLSIdentity {
        let authority = try Certificate(pem: Array(certificatePEM.utf8), object: Self.certificateFile)
        let authorityKey = try KeyPair(pem: keyPEM.bytes, object: Self.keyFile)
        let name = PeerName(cluster: clusterID, node: node)
        let key = try KeyPair()
        let certificate = try Certificate(subject: [("O", clusterID), ("CN", "\(node)")], key: key, validity: validity)
        try certificate.add(NID_basic_constraints, "critical,CA:FALSE")
        try certificate.add(NID_key_usage, "critical,digitalSignature")
        try certificate.add(NID_ext_key_usage, "serverAuth,clientAuth")
        try certificate.add(NID_subject_key_identifier, "hash")
        try certificate.add(NID_authority_key_identifier, "keyid:always", issuer: authority)
        try certificate.add(NID_subject_alt_name, try Self.alternativeNames(name, hosts))
        try certificate.sign(issuer: authority, key: authorityKey)
        return try TLSIdentity(
            certificatePEM: String(decoding: try certificate.pem(), as: UTF8.self), keyPEM: Secret(try key.pem()),
            authorityPEM: certificatePEM)
    }

    private static func alternativeNames(_ name: PeerName, _ hosts: [String]) throws(TransportError) -> String {
        var names = ["URI:\(name.uri)"]
        for host in hosts.prefix(64) {
            if (try? SocketAddress(ipAddress: host, port: 0)) != nil {
                // A scope (`fe80::1%eth0`) means something on one machine only.
                names.append("IP:\(host.prefix { $0 != "%" })")
            } else if PeerName.isClusterID(host)
                || (host.utf8.count <= 253 && host.split(separator: ".").allSatisfy { PeerName.isClusterID(String($0)) })
            {
                names.append("DNS:\(host)")
            } else {
                throw TransportError(
                    .argument, "issue certificate for", "\(name.node)", cause: "\"\(host.prefix(80))\" is no host name or address")
            }
        }
        return names.joined(separator: ",")
    }

    /// Writes `ca.pem` and, with mode 0600, `ca-key.pem`.
    package func save(to directory: String) throws(TransportError) {
        try PrivateFile.makeDirectory(directory)
        try PrivateFile.write(keyPEM.bytes, to: "\(directory)/\(Self.keyFile)", mode: 0o600)
        try PrivateFile.write(Array(certificatePEM.utf8), to: "\(directory)/\(Self.certificateFile)", mode: 0o644)
    }

    package static func load(from directory: String) throws(TransportError) -> ClusterAuthority {
        let certificatePath = "\(directory)/\(certificateFile)"
        let pem = try PrivateFile.read(certificatePath, secret: false)
        let keyPEM = try PrivateFile.read("\(directory)/\(keyFile)", secret: true)
        let certificate = try Certificate(pem: pem, object: certificatePath)
        let key = try KeyPair(pem: keyPEM, object: "\(directory)/\(keyFile)")
        guard certificate.belongs(to: key) else {
            throw TransportError(
                .identity, "load authority from", directory, cause: "\(keyFile) is not the key of \(certificateFile)",
                advice: "restore both from one backup")
        }
        let text = String(decoding: pem, as: UTF8.self)
        guard
            let clusterID = TLSIdentity.alternativeURIs(pem: text).first(where: { $0.hasPrefix("atoll://") && $0.hasSuffix("/authority") })
        else {
            throw TransportError(
                .identity, "load authority from", directory, cause: "\(certificateFile) is no authority of an Atoll cluster")
        }
        return ClusterAuthority(
            clusterID: String(clusterID.dropFirst("atoll://".count).dropLast("/authority".count)), certificatePEM: text,
            keyPEM: Secret(keyPEM))
    }

    package static func exists(in directory: String) -> Bool { PrivateFile.exists("\(directory)/\(keyFile)") }
}
