import Filesystem
import Primitives
import Testing

@testable import NodeCore

/// Clients of NFS servers in whole nodes under virtual time: registrations and locks outlive the server's node and the leader.
@Suite struct ServedClientTests {
    private let range = LockRange(start: 0, length: 10)

    private struct Server {
        let cluster: TestCluster
        let node: Int
        let session: SessionID
        let inode: InodeID

        init(_ cluster: TestCluster, _ id: FilesystemID, on node: Int) throws {
            self.cluster = cluster
            self.node = node
            session = try cluster.open(id, on: node)
            let opened = try cluster.perform(
                .open(path: FilePath("x")!, mode: .create(mode: 0o644, exclusive: false, truncate: false)), session, on: node)
            guard case .opened(_, let attributes) = opened.outcome.value else { throw Wrong() }
            inode = attributes.inode
        }

        @discardableResult
        func ask(_ request: NFSClientRequest) throws -> FileValue {
            try cluster.perform(.client(request), session, on: node).outcome.value
        }

        func register(_ start: UInt64, owner: String = "a") throws -> NFSRegistration {
            let identity = NFSClientIdentity(
                owner: Array(owner.utf8), verifier: 1, flavor: 1, user: 0, minor: 1, address: "192.0.2.1", clientID: start << 32 | 1,
                mayReclaim: true)
            guard case .client(.registered(let made)) = try ask(.register(identity)) else { throw Wrong() }
            return made
        }

        func lock(_ client: UInt64, _ range: LockRange, reclaim: Bool = false) -> FileFailure.Code? {
            code(.lock(inode, range, exclusive: true, NFSLockName(client: client, owner: 7 << 32 | client & 0xffff), reclaim: reclaim))
        }

        func code(_ request: NFSClientRequest) -> FileFailure.Code? {
            do {
                try ask(request)
                return nil
            } catch { return (error as? FileFailure)?.code }
        }

        func isKnown(_ client: UInt64) throws -> Bool { try ask(.renew([client])) == .client(.unknown([])) }
    }

    private struct Wrong: Error {}

    private func cluster(nodes: Int = 3) throws -> TestCluster {
        let cluster = TestCluster([.init(name: "us", nodes: nodes)], roundTrip: { _, _ in 1 }, seed: 3)
        try #require(cluster.settle())
        return cluster
    }

    @Test func reclaimsAfterARestartAndALostLeader() throws {
        let cluster = try cluster()
        let id = try cluster.create(.nfs, "f", region: "us", on: 0)
        _ = cluster.run(for: .seconds(30)) { cluster.leader(of: id) != nil }
        let leader = try #require(cluster.leader(of: id))
        let (first, second) = ((leader + 1) % 3, (leader + 2) % 3)
        let server = try Server(cluster, id, on: first)
        let client = try server.register(1)
        #expect(!client.isKnown)
        #expect(server.lock(client.number, range) == nil)
        cluster.crash(first)
        #expect(cluster.run(for: .seconds(40)) == false)
        let other = try Server(cluster, id, on: second)
        let stranger = try other.register(9, owner: "b")
        #expect(other.lock(stranger.number, range) == .wouldBlock, "the lock outlives its node's session")
        cluster.restart(first)
        let again = try Server(cluster, id, on: first)
        let back = try again.register(2)
        #expect(back.isKnown && back.othersMissing == false && back.number != client.number)
        #expect(again.lock(back.number, LockRange(start: 0, length: 11), reclaim: true) == .invalid)
        #expect(again.lock(back.number, range, reclaim: true) == nil)
        cluster.crash(leader)
        #expect(other.lock(stranger.number, range) == .wouldBlock)
        #expect(try again.isKnown(back.number))
        try again.ask(.complete(back.number))
        #expect(try !again.isKnown(client.number))
        try again.ask(.end(back.number))
        #expect(other.lock(stranger.number, range) == nil)
    }

    @Test func courtesyLastsUntilSomebodyAsks() throws {
        let cluster = try cluster(nodes: 1)
        let id = try cluster.create(.nfs, "f", region: "us", on: 0)
        let server = try Server(cluster, id, on: 0)
        let (slow, other) = (try server.register(1), try server.register(1 << 8, owner: "b"))
        #expect(server.lock(slow.number, range) == nil)
        _ = cluster.run(for: .seconds(300))
        #expect(try server.isKnown(slow.number), "it comes back, and nobody has asked")
        #expect(server.lock(other.number, range) == .wouldBlock)
        _ = cluster.run(for: .seconds(101))
        #expect(try server.ask(.testLock(server.inode, range, exclusive: true, NFSLockName(client: 0, owner: 0))) == .lock(nil))
        #expect(server.lock(other.number, range) == nil)
        #expect(try !server.isKnown(slow.number))
        #expect(server.lock(slow.number, LockRange(start: 50, length: 1)) == .badHandle)
        guard case .client(.list(let clients, let locks)) = try server.ask(.list) else { throw Wrong() }
        #expect(clients.map(\.entry.number) == [other.number] && locks.count == 1)
    }
}
