import Foundation
import Primitives
import Testing

@testable import Transport

@Suite struct IdentityTests {
    @Test func anAuthorityIssuesNamedCertificates() throws {
        let identity = try testAuthority.issue(node: NodeID(7), hosts: ["example.org", "10.0.0.7", "::1"])
        #expect(identity.name == PeerName(cluster: "test", node: NodeID(7)))
        #expect(TLSIdentity.alternativeURIs(pem: identity.certificatePEM) == ["atoll://test/node/7"])
        #expect(identity.validFrom < identity.expires)
        #expect(identity.expires.seconds - identity.validFrom.seconds == 365 * 86_400 + 300)
    }

    @Test func filesKeepTheirSecrets() throws {
        try withFolder { folder in
            let authority = folder + "/ca"
            let node = folder + "/node"
            try testAuthority.save(to: authority)
            try testAuthority.issue(node: NodeID(3)).save(to: node)
            #expect(try mode(of: authority + "/ca-key.pem") == 0o600)
            #expect(try mode(of: node + "/node-key.pem") == 0o600)
            #expect(try TLSIdentity.load(from: node).name == PeerName(cluster: "test", node: NodeID(3)))
            let loaded = try ClusterAuthority.load(from: authority)
            #expect(loaded.clusterID == "test")
            #expect(try loaded.issue(node: NodeID(4)).node == NodeID(4))
            #expect(ClusterAuthority.exists(in: authority) && TLSIdentity.exists(in: node) && !TLSIdentity.exists(in: authority))
        }
    }

    @Test func aKeyThatOthersCanReadIsRefused() throws {
        try withFolder { folder in
            try testAuthority.issue(node: NodeID(3)).save(to: folder)
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: folder + "/node-key.pem")
            let error = #expect(throws: TransportError.self) { try TLSIdentity.load(from: folder) }
            #expect(error?.code == .file)
            #expect(error?.description.contains("chmod 600") == true)
        }
    }

    @Test func aForeignKeyIsRefused() throws {
        let one = try testAuthority.issue(node: NodeID(1))
        let two = try testAuthority.issue(node: NodeID(2))
        let error = #expect(throws: TransportError.self) {
            try TLSIdentity(certificatePEM: one.certificatePEM, keyPEM: two.keyPEM, authorityPEM: one.authorityPEM)
        }
        #expect(error?.cause == "the private key is not that of the certificate")
    }

    @Test func whatIsNotThereIsNamed() {
        let error = #expect(throws: TransportError.self) { try TLSIdentity.load(from: "/nonexistent/atoll") }
        #expect(error?.object == "/nonexistent/atoll/node.pem")
    }

    @Test(arguments: ["", "a b", "a/b", "a,b", String(repeating: "x", count: 65), "ä"]) func badClusterIDs(id: String) {
        #expect(throws: TransportError.self) { try ClusterAuthority.create(clusterID: id) }
    }

    @Test(arguments: ["", "a,DNS:evil", "a b", "x;y"]) func badHosts(host: String) {
        #expect(throws: TransportError.self) { try testAuthority.issue(node: NodeID(1), hosts: [host]) }
    }

    @Test func peerNames() {
        #expect(PeerName(uri: "atoll://c-1/node/18446744073709551615") == PeerName(cluster: "c-1", node: NodeID(.max)))
        for bad in [
            "", "atoll://", "atoll://c/node", "atoll://c/node/x", "atoll://c/nodes/1", "http://c/node/1", "atoll:///node/1",
            "atoll://c/node/1/2",
        ] {
            #expect(PeerName(uri: bad) == nil, "\(bad)")
        }
    }

    @Test func secretsAreNotPrinted() throws {
        let identity = try testAuthority.issue(node: NodeID(1))
        let key = String(decoding: identity.keyPEM.bytes, as: UTF8.self)
        var dumped = ""
        dump(identity, to: &dumped)
        for text in [dumped, "\(identity)", String(reflecting: identity), "\(testAuthority)"] {
            #expect(!text.contains("PRIVATE KEY") && !text.contains(key.split(separator: "\n")[1]))
        }
        #expect("\(Secret([1, 2, 3]))" == "<secret, 3 bytes>")
    }
}
