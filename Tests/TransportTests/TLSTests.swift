import NIOCore
import NIOPosix
import NIOSSL
import Primitives
import Testing

@testable import Transport

/// Who may talk to whom: each test has one thing wrong, and both sides must say what.
@Suite struct TLSTests {
    private func quiet(_ options: inout PeerOptions) {
        options.settings.backoffFirst = .seconds(60)
        options.settings.backoffLast = .seconds(60)
    }

    /// Dials `b` from `a`, expecting refusal; returns the reason at `a`.
    private func refusal(_ a: TestPeer, _ b: TestPeer, as id: NodeID? = nil) async -> String {
        a.knows(b, as: id)
        a.network.send(to: id ?? b.network.node, lane: .control, header: [1])
        let seen = await a.events.wait("a refusal") { $0.contains { $0.failure != nil } }
        #expect(!b.events.all.contains { $0.header != nil }, "a message got through")
        #expect(!a.events.all.contains { $0.isConnected(.control, .outgoing) })
        await stop(a, b)
        return seen.compactMap(\.failure).first ?? ""
    }

    @Test func anotherAuthority() async throws {
        let other = try ClusterAuthority.create(clusterID: "test")
        let a = try await makePeer(1, quiet)
        let b = try await makePeer(2) { $0.identity = try? other.issue(node: NodeID(2)) }
        #expect(await refusal(a, b).contains("was not signed by this cluster's authority"))
    }

    @Test func aDiallerOfAnotherAuthority() async throws {
        // It believes both, but is itself certified by the other only.
        let other = try ClusterAuthority.create(clusterID: "test")
        let foreign = try other.issue(node: NodeID(1))
        let identity = try TLSIdentity(
            certificatePEM: foreign.certificatePEM, keyPEM: foreign.keyPEM,
            authorityPEM: foreign.authorityPEM + testAuthority.certificatePEM)
        let a = try await makePeer(1) {
            quiet(&$0)
            $0.identity = identity
        }
        let b = try await makePeer(2)
        let reason = await refusal(a, b)
        #expect(reason.contains("refused our certificate") || reason.contains("does not believe our certificate"), "\(reason)")
    }

    @Test func anotherNode() async throws {
        let a = try await makePeer(1, quiet)
        let b = try await makePeer(3)
        #expect(await refusal(a, b, as: NodeID(2)) == "refused: meant to reach n2 of cluster test, reached n3 of cluster test")
    }

    @Test func anotherCluster() async throws {
        // The same authority has certified a node of another cluster.
        let sibling = ClusterAuthority(clusterID: "other", certificatePEM: testAuthority.certificatePEM, keyPEM: testAuthority.keyPEM)
        let identity = try sibling.issue(node: NodeID(2))
        let a = try await makePeer(1, quiet)
        let b = try await makePeer(2) { $0.identity = identity }
        #expect(await refusal(a, b) == "refused: meant to reach n2 of cluster test, reached n2 of cluster other")
        // And the other way round, where the acceptor finds it.
        let c = try await makePeer(2) {
            quiet(&$0)
            $0.identity = identity
        }
        let d = try await makePeer(1)
        let error = await #expect(throws: TransportError.self) { try await d.network.sync(host: "127.0.0.1", port: c.port, payload: []) }
        #expect(error?.code == .refused && error?.cause.contains("reached n2 of cluster other") == true)
        await stop(c, d)
    }

    @Test func expiredCertificates() async throws {
        let past = CertificateValidity(start: -7_200, end: -3_600)
        let a = try await makePeer(1, quiet)
        let b = try await makePeer(2) { $0.identity = try? testAuthority.issue(node: NodeID(2), validity: past) }
        #expect(await refusal(a, b).contains("is not valid today"))
        let c = try await makePeer(1) {
            quiet(&$0)
            $0.identity = try? testAuthority.issue(node: NodeID(1), validity: past)
        }
        let d = try await makePeer(2)
        #expect(await refusal(c, d).contains("has expired"))
    }

    @Test func anotherConfiguration() async throws {
        let a = try await makePeer(1, quiet)
        let b = try await makePeer(2) { $0.clusterSettings = SHA256.hash([1]) }
        let reason = await refusal(a, b)
        #expect(reason.hasPrefix("refused by the peer: cluster settings differ"), "\(reason)")
    }

    @Test func aRenewedCertificateIsUsed() async throws {
        let a = try await makePeer(1) {
            $0.identity = try? testAuthority.issue(node: NodeID(1), validity: CertificateValidity(start: -7_200, end: -3_600))
        }
        let b = try await makePeer(2)
        #expect(throws: TransportError.self) { try a.network.use(testAuthority.issue(node: NodeID(9))) }
        try a.network.use(testAuthority.issue(node: NodeID(1)))
        #expect(try await a.network.sync(host: "127.0.0.1", port: b.port, payload: [1, 2]) == [2, 1])
        await stop(a, b)
    }

    /// Bytes that are no TLS, and TLS without a certificate: closed, and the node serves on.
    @Test(arguments: 0..<12) func strangersAreClosed(seed: UInt64) async throws {
        let b = try await makePeer(2) { $0.shaper = seed % 2 == 0 ? LinkShaper(node: NodeID(2), region: RegionID("here")) : nil }
        var random = SeededGenerator(seed: seed)
        var bytes = (0..<2_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        if seed % 3 == 0 { bytes.replaceSubrange(0..<5, with: [0x16, 3, 1, 7, 0]) }
        if seed % 4 == 0 { bytes.replaceSubrange(0..<6, with: Array("ATRP".utf8) + [1, 10]) }
        let garbage = ByteBuffer(bytes: bytes)
        let stranger = try await ClientBootstrap(group: testGroup).connect(host: "127.0.0.1", port: b.port).get()
        try? await stranger.writeAndFlush(garbage).get()
        let closed = Recorder<Bool>()
        stranger.closeFuture.whenComplete { _ in closed.add(true) }
        await closed.wait("the stranger to be closed") { !$0.isEmpty }
        let a = try await makePeer(1)
        #expect(try await a.network.sync(host: "127.0.0.1", port: b.port, payload: [1]) == [1])
        await stop(a, b)
    }

    @Test func tlsWithoutACertificateIsClosed() async throws {
        let b = try await makePeer(2)
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        let context = try NIOSSLContext(configuration: configuration)
        let stranger = try await ClientBootstrap(group: testGroup).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: context, serverHostname: nil))
            }
        }.connect(host: "127.0.0.1", port: b.port).get()
        var hello = ByteBuffer()
        Frame(.hello, header: HelloTests.sample().xdrBytes).write(to: &hello)
        stranger.writeAndFlush(hello, promise: nil)
        let closed = Recorder<Bool>()
        stranger.closeFuture.whenComplete { _ in closed.add(true) }
        await closed.wait("the stranger to be closed") { !$0.isEmpty }
        #expect(b.events.all.isEmpty)
        await stop(b)
    }
}
