import Filesystem
import NodeCore
import Primitives
import Replication

/// Clients, faults and what is known of both, for one seed.
final class RandomWorld {
    let cluster: TestCluster
    private var chance: SeededGenerator
    private let nfs: FilesystemID
    private let volume: FilesystemID
    private var clients: [RandomClient] = []
    private(set) var violations: [String] = []
    private(set) var trace: [String] = []
    private(set) var failures = 0
    var commits: Int { published.count }
    var reads: Int { register.readCount }
    private var requests = 0
    private var replies = 0
    private var crashed: Set<Int> = []
    private var register = RegisterHistory()
    /// What acknowledged commits published.
    private var published: [(version: VersionID, path: FilePath, value: [UInt8])] = []

    /// Whether the set of nodes changes: those that no client uses crash and come back, or do not for long,
    /// drain, and others join.
    private let isMoving: Bool
    private var draining: Set<Int> = []
    private(set) var moves = 0

    init(seed: UInt64, isMoving: Bool = false) throws {
        chance = SeededGenerator(seed: seed)
        self.isMoving = isMoving
        // One world in three has a primary region of three nodes, of which one may crash.
        let home = isMoving ? 5 : seed % 3 == 0 ? 3 : 1
        cluster = TestCluster(
            [.init(name: "us", nodes: home), .init(name: "eu", nodes: isMoving ? 3 : 1), .init(name: "ap", nodes: isMoving ? 2 : 1)],
            roundTrip: ClusterTests.roundTrip, seed: seed, grace: isMoving ? .seconds(6) : nil)
        guard cluster.settle() else { throw FileFailure(.unavailable, operation: "settle", object: "cluster", cause: "no leader") }
        nfs = try cluster.create(.nfs, "share", region: "us", on: 0)
        // On every node where they move, since clients stay where they are.
        volume = try cluster.create(.volume, "vol", region: "us", on: 0, replicasPerRegion: isMoving ? 7 : 3)
        let (cluster, volume) = (cluster, volume)
        cluster.run(for: .seconds(30)) { cluster.hosts.allSatisfy { host in host.state.view.groups.contains { $0.filesystem == volume } } }
        for node in [0, cluster.hosts.count - 2, cluster.hosts.count - 1] {
            // Reading what an open has confirmed is as good as asking: those who keep what they read are held to the same.
            let options = SessionOptions(attributeCache: node == 0 ? .zero : .seconds(3))
            clients.append(RandomClient(node: node, session: try cluster.open(nfs, on: node, options: options), kind: .nfs))
            clients.append(RandomClient(node: node, session: try cluster.open(volume, on: node), kind: .volume))
        }
    }

    func run(operations: Int) throws {
        while requests < operations {
            for index in clients.indices { advance(index, mayBegin: true) }
            if isMoving, chance.below(10) == 0 { change() }
            if chance.below(60) == 0 { disturb() }
            cluster.run(for: .milliseconds(10 + chance.below(isMoving ? 390 : 90)))
        }
    }

    private func disturb() {
        switch chance.below(4) {
        case 0, 1:
            let apart = chance.below(cluster.hosts.count)
            trace.append("\(cluster.now) cut \(apart)")
            cluster.cut = { ($0 == apart) != ($1 == apart) }
        case 2: cluster.cut = { _, _ in false }
        default:
            // The last of three nodes of the primary region, which no client uses.
            guard !isMoving, cluster.hosts.count == 5, crashed.isEmpty else { return }
            crashed.insert(1)
            trace.append("\(cluster.now) crash 1")
            cluster.crash(1)
            for peer in cluster.hosts.indices where peer != 1 { cluster.post(.peerLost(NodeID(2)), to: peer, after: .milliseconds(100)) }
        }
    }

    /// The nodes 1 to 7 have no clients: four of the primary region, three of another one.
    private func change() {
        let node = 1 + chance.below(7)
        switch chance.below(8) {
        case 0, 1, 2:
            if let down = crashed.min() {
                trace.append("\(cluster.now) restart \(down)")
                crashed.remove(down)
                cluster.restart(down)
            } else {
                trace.append("\(cluster.now) crash \(node)")
                crashed.insert(node)
                cluster.fail(node)
            }
        case 3, 4:
            guard draining.isEmpty else { return }
            // A voter, if one of these nodes is one.
            let voters = [nfs, volume].flatMap { cluster.catalog.filesystems[$0]?.plan.voters.map { Int($0.node.rawValue) - 1 } ?? [] }
            let node = voters.first { (1...7).contains($0) } ?? node
            draining.insert(node)
            propose(.drainNode(NodeID(UInt64(node) + 1)))
        case 5:
            guard let node = draining.popFirst() else { return }
            propose(.resumeNode(NodeID(UInt64(node) + 1)))
        case 6:
            guard cluster.hosts.count < 12 else { return }
            trace.append("\(cluster.now) join")
            cluster.join(chance.below(2) == 0 ? "us" : "eu")
        default:
            // Whoever leads the network file system ends in the middle of whatever it does.
            guard crashed.isEmpty, let leader = cluster.leader(of: nfs), (1...7).contains(leader) else { return }
            trace.append("\(cluster.now) crash leader \(leader)")
            crashed.insert(leader)
            cluster.fail(leader)
        }
    }

    private func propose(_ action: CatalogAction) {
        trace.append("\(cluster.now) \(action)")
        let command = CatalogCommand(at: WallTime(nanoseconds: 0), by: "test", action: action)
        let end = cluster.now + .seconds(20)
        _ = cluster.begin(on: 0) { .changeCatalog($0, command, deadline: end) }
    }

    // MARK: Clients

    private func advance(_ index: Int, mayBegin: Bool) {
        let client = clients[index]
        if let request = client.request {
            guard let reply = cluster.hosts[client.node].replies.removeValue(forKey: request) else { return }
            client.request = nil
            replies += 1
            take(reply, client)
        }
        if client.job == nil, mayBegin { client.job = begin(client) }
        guard let operation = client.job?.next else { return }
        var payload: Payload?
        if case .write = operation { payload = cluster.hosts[client.node].insert(client.job!.value) }
        let end = cluster.now + .seconds(2 + chance.below(10))
        let session = client.session
        client.request = cluster.begin(on: client.node) { .operation($0, session, operation, payload: payload, deadline: end) }
        requests += 1
    }

    private func begin(_ client: RandomClient) -> RandomJob {
        client.count += 1
        // Some values are kept in the namespace, some in chunks.
        let size = chance.below(4) == 0 ? 5_000 : 12
        let value = ClusterDriver.bytes(
            size, seed: UInt64(client.node * 2 + (client.kind == .nfs ? 0 : 1)) &* 100_000 &+ UInt64(client.count))
        switch client.kind {
        case .nfs:
            let path = FilePath("register")!
            return RandomJob(kind: chance.below(2) == 0 ? .read : .write, path: path, value: value, began: cluster.now)
        case .volume:
            if client.staged.count >= 1 + chance.below(3) { return RandomJob(kind: .commit, path: .root, value: [], began: cluster.now) }
            return RandomJob(kind: .write, path: FilePath("d/f\(chance.below(6))")!, value: value, began: cluster.now)
        }
    }

    private func take(_ reply: Reply, _ client: RandomClient) {
        guard var job = client.job else { return }
        client.job = nil
        switch reply {
        case .failed(let failure):
            failures += 1
            trace.append("\(cluster.now) \(client.node) \(failure.code.word)")
            // An interrupted write or commit may have happened, or happen later.
            if job.kind == .write, client.kind == .nfs, job.step == 2 { register.wrote(job.value, began: job.began, ended: nil) }
        case .outcome(let outcome, let buffer):
            let data = buffer.flatMap { cluster.hosts[client.node].buffers.removeValue(forKey: $0) }
            trace.append("\(cluster.now) \(client.node) \(job.kind) \(job.step) \(outcome.cost.wideAreaRoundTrips)")
            switch outcome.value {
            case .opened(let handle, let attributes):
                job.handle = handle
                job.size = UInt32(attributes.size)
            case .data: job.read = data ?? []
            case .receipt(let receipt):
                for (path, value) in client.staged where receipt.changes > 0 { published.append((receipt.version, path, value)) }
                client.staged = []
            default: break
            }
            job.step += 1
            if job.next != nil { client.job = job } else { finish(job, client) }
        case .session, .catalog: violations.append("an operation was answered with \(reply)")
        }
    }

    private func finish(_ job: RandomJob, _ client: RandomClient) {
        switch (client.kind, job.kind) {
        case (.nfs, .write): register.wrote(job.value, began: job.began, ended: cluster.now)
        case (.nfs, .read): if let value = job.read { register.read(value, began: job.began, ended: cluster.now) }
        case (.volume, .write):
            client.staged.removeAll { $0.path == job.path }
            client.staged.append((job.path, job.value))
        default: break
        }
    }

    // MARK: Afterwards

    func settle() throws {
        cluster.cut = { _, _ in false }
        let cluster = cluster
        cluster.run(for: .seconds(20)) {
            for index in clients.indices { advance(index, mayBegin: false) }
            return clients.allSatisfy { $0.request == nil && $0.job == nil }
        }
        if replies != requests { violations.append("\(requests) requests, \(replies) replies") }
        if isMoving { settleMoves() }
        for client in clients { cluster.post(.closeSession(client.session), to: client.node, after: .zero) }
        checkReplicas(nfs)
        checkReplicas(volume)
        try checkCommits()
        cluster.run(for: .seconds(130)) { cluster.buffersHeld() == 0 }
        if cluster.buffersHeld() > 0 { violations.append("\(cluster.buffersHeld()) buffers are held") }
        violations += register.violations() + cluster.faults
    }

    /// Everybody is back: the groups get to where their plans say, and everything is where it belongs.
    private func settleMoves() {
        for node in crashed.sorted() { cluster.restart(node) }
        crashed = []
        if !cluster.run(for: .seconds(180), until: { cluster.isSettled }) {
            violations.append("not settled: \(cluster.catalog.unsettled.map(\.label)), catalog \(cluster.catalog.catalogSettledPlan)")
        }
        for id in [nfs, volume] {
            let plan = cluster.catalog.filesystems[id]!.plan
            moves += Int(cluster.catalog.filesystems[id]!.planRevision) - 1
            cluster.run(for: .seconds(30)) {
                let found = cluster.configuration(of: id)
                return found?.voters == plan.voters.map(\.node) && found?.learners == plan.learners.map(\.node)
            }
            let found = cluster.configuration(of: id)
            if found?.voters != plan.voters.map(\.node) || found?.learners != plan.learners.map(\.node) {
                violations.append(
                    "\(id.kind.word) is planned as \(plan), and is \(found.map { "\($0)" } ?? "without a leader"): \(views(id))")
            }
            let strangers = cluster.hosts.indices.filter { index in
                !plan.contains(NodeID(UInt64(index) + 1)) && cluster.hosts[index].state.view.groups.contains { $0.filesystem == id }
            }
            if !cluster.run(
                for: .seconds(30),
                until: {
                    strangers.allSatisfy { index in !cluster.hosts[index].state.view.groups.contains { $0.filesystem == id } }
                })
            {
                violations.append("\(id.kind.word) is kept on \(strangers), which the plan does not name")
            }
        }
        for (index, host) in cluster.hosts.enumerated() where !host.faults.isEmpty {
            violations.append("node \(index + 1): \(host.faults)")
        }
    }

    /// How each host sees a group.
    private func views(_ id: FilesystemID) -> [String] {
        cluster.hosts.enumerated().compactMap { index, host in
            guard let group = host.state.view.groups.first(where: { $0.filesystem == id }) else {
                let known = host.state.view.groups.first.map {
                    "catalog applied=\($0.appliedIndex) commit=\($0.commitIndex) leader=\($0.leader?.description ?? "-")"
                }
                return "n\(index + 1) \(host.isUp ? "up" : "down") \(known ?? "knows nothing")"
            }
            return
                "n\(index + 1) \(host.isUp ? group.role : "down") term=\(group.term) leader=\(group.leader?.description ?? "-") commit=\(group.commitIndex) applied=\(group.appliedIndex) voters=\(group.voters)"
        }
    }

    private func checkReplicas(_ id: FilesystemID) {
        func seen() -> Set<Digest> {
            Set(cluster.hosts.filter(\.isUp).compactMap { host in host.state.view.groups.first { $0.filesystem == id }?.digest })
        }
        if !cluster.run(for: .seconds(60), until: { seen().count == 1 }) { violations.append("\(seen().count) digests of \(id.kind.word)") }
    }

    /// The version that each commit was told holds what it published, and so does every node.
    private func checkCommits() throws {
        for (version, path, value) in published {
            let node = clients[Int(version.rawValue) % clients.count].node
            let session = try cluster.open(volume, on: node, options: SessionOptions(version: version))
            let opened = try cluster.perform(.open(path: path, mode: .read), session, on: node).outcome.value
            guard case .opened(let handle, _) = opened else { continue }
            let read = try cluster.perform(.read(handle: handle, offset: 0, length: 10_000), session, on: node)
            if read.data ?? [] != value { violations.append("\(version) does not hold \(path) as committed") }
            cluster.post(.closeSession(session), to: node, after: .zero)
        }
    }
}

final class RandomClient {
    let node: Int
    let session: SessionID
    let kind: FilesystemKind
    var job: RandomJob?
    var request: RequestID?
    var count = 0
    /// A volume client's changes that are not committed.
    var staged: [(path: FilePath, value: [UInt8])] = []
    init(node: Int, session: SessionID, kind: FilesystemKind) {
        self.node = node
        self.session = session
        self.kind = kind
    }
}

/// Something that a client does in a few operations.
struct RandomJob {
    enum Kind { case read, write, commit }
    let kind: Kind
    let path: FilePath
    let value: [UInt8]
    let began: Instant
    var step = 0
    var handle = HandleID(0)
    var size: UInt32 = 0
    var read: [UInt8]?

    init(kind: Kind, path: FilePath, value: [UInt8], began: Instant) {
        self.kind = kind
        self.path = path
        self.value = value
        self.began = began
    }

    /// Nil when it is done.
    var next: FileOperation? {
        switch (kind, step) {
        case (.commit, 0): .commit(CommitOptions())
        case (.read, 0): .open(path: path, mode: .read)
        case (.read, 1): .read(handle: handle, offset: 0, length: 10_000)
        case (.write, 0): .open(path: path, mode: .replace(mode: 0o644, refuseExisting: false))
        case (.write, 1): .write(handle: handle, offset: 0)
        case (.read, 2), (.write, 2): .close(handle: handle, abandon: false)
        default: nil
        }
    }
}

/// What was written to one file and read from it; every value is written once.
struct RegisterHistory {
    private var writes: [(value: [UInt8], began: Instant, ended: Instant?)] = []
    private var reads: [(value: [UInt8], began: Instant, ended: Instant)] = []

    var readCount: Int { reads.count }

    mutating func wrote(_ value: [UInt8], began: Instant, ended: Instant?) { writes.append((value, began, ended)) }
    mutating func read(_ value: [UInt8], began: Instant, ended: Instant) { reads.append((value, began, ended)) }

    /// Necessary conditions of linearizability: a read gives what was written before it ended, not
    /// what had been overwritten before it began, and never something older than an earlier read gave.
    func violations() -> [String] {
        var out: [String] = []
        for (position, read) in reads.enumerated() {
            guard let source = writes.first(where: { $0.value == read.value }) else {
                out.append("read \(position) gave what nobody wrote (\(read.value.count) bytes)")
                continue
            }
            if source.began > read.ended { out.append("read \(position) gave what was written later") }
            guard let ended = source.ended else { continue }
            for other in writes where other.began > ended {
                if let otherEnded = other.ended, otherEnded < read.began { out.append("read \(position) gave what had been overwritten") }
                if reads.contains(where: { $0.value == other.value && $0.ended < read.began }) {
                    out.append("read \(position) gave something older than an earlier read")
                }
            }
        }
        return out
    }
}
