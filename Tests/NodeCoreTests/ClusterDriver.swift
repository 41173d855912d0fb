import Filesystem
import NodeCore
import Primitives
import Replication
import TestSupport

/// The commands of the scripts. Nodes are named by region and number (`us-1`), sessions and open
/// files by names that the script gives them. Every operation prints what it gave and, where it
/// waited for another region, how often.
///
///     cluster regions=(us:3 eu:1 ap:1) seed=3
///     create nfs name=share region=us            delete name=share
///     open share on=ap-1 as=a [read-only] [at=2] [cache=0]
///     put a path=/f size=5000 | text=hello       get a path=/f
///     file a path=/f mode=read|write|create|new|replace|put-new as=h
///     write h text=abc [offset=3 | append]       read h offset=0 length=10
///     stat list mkdir rename remove link symlink copy truncate setxattr getxattr …
///     lock h range=0+10 [shared] [wait]          commit s [wait=all] [if-unchanged] [message=…]
///     cut ap | cut us-1                          heal        crash us-1       run seconds=5
///     chunks                                     empty us-1  slow us-1 seconds=60
///
/// `limit=SECONDS` bounds an operation, `later=NAME` begins it without waiting, and `await NAME`
/// prints what it gave.
final class ClusterDriver {
    struct Attachment {
        let session: SessionID
        let node: Int
    }
    struct Pending {
        let node: Int
        let request: RequestID
        let operation: FileOperation
        let began: Instant
    }

    private(set) var cluster: TestCluster!
    private var names: [String: Int] = [:]
    private var ids: [String: FilesystemID] = [:]
    var sessions: [String: Attachment] = [:]
    var files: [String: (handle: HandleID, session: String)] = [:]
    var pending: [String: Pending] = [:]
    /// The side of a cut that a node is on; nil for the rest.
    private var sides: [Int: String] = [:]

    init() { build(["us:1", "eu:1", "ap:1"], seed: 1) }

    func run(_ command: ScriptCommand) throws -> String {
        do { return try perform(command) } catch let failure as FileFailure { return "\(failure.code.word): \(failure)" }
    }

    private func build(_ regions: [String], seed: UInt64, grace: Int = 1_800, interval: Int = 600) {
        let parsed = regions.map { text -> TestCluster.Region in
            let parts = text.split(separator: ":")
            return TestCluster.Region(name: String(parts[0]), nodes: parts.count > 1 ? Int(parts[1])! : 1)
        }
        cluster = TestCluster(parsed, roundTrip: ClusterTests.roundTrip, seed: seed) { settings in
            settings.garbage.grace = .seconds(grace)
            settings.upkeep.interval = .seconds(interval)
        }
        names = [:]
        for region in parsed { for number in 0..<region.nodes { names["\(region.name)-\(number + 1)"] = names.count } }
        ids = [:]
        sessions = [:]
        files = [:]
        sides = [:]
    }

    // MARK: Words

    func fault(_ command: ScriptCommand, _ reason: String) -> ScriptError {
        ScriptError(file: command.file, line: command.line, reason: reason)
    }

    func first(_ command: ScriptCommand) -> String { command.arguments.first?.key ?? "" }

    private func node(_ command: ScriptCommand, _ key: String = "on") throws -> Int {
        let name = command.value(key) ?? "us-1"
        guard let index = names[name] else { throw fault(command, "no node \(name)") }
        return index
    }

    func path(_ command: ScriptCommand, _ key: String = "path") throws -> FilePath {
        guard let path = FilePath(command.value(key) ?? "..") else { throw fault(command, "\(command.name) needs \(key)=PATH") }
        return path
    }

    func session(_ command: ScriptCommand) throws -> Attachment {
        guard let found = sessions[first(command)] else { throw fault(command, "no session \(first(command))") }
        return found
    }

    func file(_ command: ScriptCommand) throws -> (handle: HandleID, place: Attachment) {
        guard let found = files[first(command)], let place = sessions[found.session] else {
            throw fault(command, "no open file \(first(command))")
        }
        return (found.handle, place)
    }

    func range(_ command: ScriptCommand) -> LockRange {
        let parts = (command.value("range") ?? "0+end").split(separator: "+")
        return LockRange(start: UInt64(parts[0])!, length: UInt64(parts[1]) ?? .max)
    }

    /// `text=`, or `size=` bytes that depend on the size and `seed=` alone.
    func bytes(_ command: ScriptCommand) throws -> [UInt8] {
        if let text = command.value("text") { return Array(text.utf8) }
        return Self.bytes(try command.integer("size", default: 0), seed: UInt64(try command.integer("seed", default: 0)))
    }

    static func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: UInt64(count) &+ seed &* 1_000_003)
        var out: [UInt8] = []
        out.reserveCapacity(count + 8)
        while out.count < count { withUnsafeBytes(of: generator.next().littleEndian) { out.append(contentsOf: $0) } }
        return Array(out.prefix(count))
    }

    // MARK: Commands

    private func perform(_ command: ScriptCommand) throws -> String {
        switch command.name {
        case "cluster":
            build(
                command.list("regions"), seed: UInt64(try command.integer("seed", default: 1)),
                grace: try command.integer("grace", default: 1_800), interval: try command.integer("interval", default: 600))
            return cluster.settle() ? "\(cluster.hosts.count) nodes" : "no leader of the catalog"
        case "create":
            let kind: FilesystemKind = first(command) == "nfs" ? .nfs : .volume
            let name = command.value("name") ?? ""
            let id = try cluster.create(kind, name, region: command.value("region") ?? "us", on: try node(command))
            ids[name] = id
            cluster.run(for: .seconds(30)) { self.isEverywhere(id) }
            return replicas(id)
        case "delete":
            _ = try cluster.change(.deleteFilesystem(.id(try filesystem(command)), allowMissing: false), on: try node(command)).get()
            return ""
        case "open": return try open(command)
        case "end":
            let place = try session(command)
            cluster.post(.closeSession(place.session), to: place.node, after: .zero)
            cluster.run(for: .milliseconds(1))
            return ""
        case "run":
            cluster.run(for: .milliseconds(Int((Double(command.value("seconds") ?? "1") ?? 1) * 1_000)))
            return ""
        case "cut":
            for (side, _) in command.arguments {
                for (name, index) in names where name == side || name.hasPrefix(side + "-") { sides[index] = side }
            }
            applyCut()
            return ""
        case "heal":
            sides = [:]
            applyCut()
            return ""
        case "crash":
            guard let lost = names[first(command)] else { throw fault(command, "no node \(first(command))") }
            cluster.crash(lost)
            for peer in cluster.hosts.indices where peer != lost {
                cluster.post(.peerLost(NodeID(UInt64(lost) + 1)), to: peer, after: .milliseconds(100))
            }
            return ""
        case "crash-leader":
            let id = try filesystem(command)
            guard let leader = leader(id) else { return "none" }
            let name = names.first { $0.value == leader }!.key
            cluster.crash(leader)
            for peer in cluster.hosts.indices where peer != leader {
                cluster.post(.peerLost(NodeID(UInt64(leader) + 1)), to: peer, after: .milliseconds(100))
            }
            return command.has("name") ? name : String(name.prefix { $0 != "-" })
        case "leader":
            let id = try filesystem(command)
            return leader(id).map { index in String(names.first { $0.value == index }!.key.prefix { $0 != "-" }) } ?? "none"
        case "digests": return digests(try filesystem(command), limit: try command.integer("limit", default: 30))
        case "chunks": return chunks()
        case "empty":
            guard let index = names[first(command)] else { throw fault(command, "no node \(first(command))") }
            cluster.hosts[index].chunks = [:]
            return ""
        case "slow":
            let index = names[first(command)]
            let time = Duration.seconds(try command.integer("seconds", default: 60))
            cluster.slowness = { $0 == index ? time : .zero }
            return ""
        case "held":
            let kept = cluster.rangesKept()
            return "buffers=\(cluster.buffersHeld()) stages=\(cluster.stagesHeld())" + (kept > 0 ? " kept=\(kept)" : "")
        case "jump":
            // Civil time goes on by hours, as over a weekend.
            let hours = Int64(try command.integer("hours"))
            for host in cluster.hosts {
                host.state.setCivil(
                    WallTime(nanoseconds: 1_700_000_000_000_000_000 + cluster.now.nanoseconds + hours * 3_600_000_000_000), now: cluster.now
                )
            }
            return ""
        case "put": return try put(command)
        case "get": return try get(command)
        case "await":
            guard let waiting = pending.removeValue(forKey: first(command)) else {
                throw fault(command, "nothing called \(first(command))")
            }
            return try finish(waiting, command)
        case "flood", "flood-changes":
            // Many reads or changes at once; how they ended, by kind.
            return try flood(command)
        default: return try single(command)
        }
    }

    /// What each node stores, and what became of it; the file systems that the catalog still knows.
    private func chunks() -> String {
        let known = cluster.hosts[0].state.catalog.filesystems.count
        return names.sorted { $0.value < $1.value }.map { name, index in
            let host = cluster.hosts[index]
            let counters = host.state.counters
            return
                "\(name): \(host.chunks.count), \(counters.chunksSwept) swept, \(counters.chunksRepaired) of \(counters.chunksMissing) missing brought back, \(host.state.view.groups.count - 1) of \(known) file systems"
        }.joined(separator: "\n")
    }

    private func filesystem(_ command: ScriptCommand) throws -> FilesystemID {
        let name = command.value("name") ?? first(command)
        guard let id = ids[name] else { throw fault(command, "no file system \(name)") }
        return id
    }

    private func applyCut() {
        let sides = sides
        cluster.cut = { sides[$0] != sides[$1] }
    }

    private func leader(_ id: FilesystemID) -> Int? {
        cluster.hosts.indices.filter { cluster.hosts[$0].isUp }.compactMap { index -> (Int, UInt64)? in
            guard let group = cluster.hosts[index].state.view.groups.first(where: { $0.filesystem == id && $0.role == "leader" }) else {
                return nil
            }
            return (index, group.term)
        }.max { $0.1 < $1.1 }?.0
    }

    private func isEverywhere(_ id: FilesystemID) -> Bool {
        guard let record = cluster.hosts.compactMap({ $0.state.catalog.filesystems[id] }).first else { return false }
        return leader(id) != nil
            && cluster.hosts.indices.allSatisfy { index in
                let host = cluster.hosts[index]
                return host.state.catalog.filesystems[id] != nil
                    && (!record.plan.contains(NodeID(UInt64(index) + 1)) || host.state.view.groups.contains { $0.filesystem == id })
            }
    }

    private func replicas(_ id: FilesystemID) -> String {
        guard let record = cluster.hosts[0].state.catalog.filesystems[id] else { return "not in the catalog" }
        func words(_ replicas: [ReplicaPlan.Replica]) -> String { replicas.map { $0.region.name }.sorted().joined(separator: " ") }
        return "voters (\(words(record.plan.voters))) learners (\(words(record.plan.learners)))"
    }

    private func digests(_ id: FilesystemID, limit: Int) -> String {
        func seen() -> [Digest] {
            cluster.hosts.filter(\.isUp).compactMap { host in host.state.view.groups.first { $0.filesystem == id }?.digest }
        }
        cluster.run(for: .seconds(limit)) { Set(seen()).count <= 1 }
        return "\(seen().count) replicas, \(Set(seen()).count) digest\(Set(seen()).count == 1 ? "" : "s")"
    }

    private func open(_ command: ScriptCommand) throws -> String {
        let index = try node(command)
        var options = SessionOptions(
            readOnly: command.has("read-only"), version: command.value("at").flatMap { UInt64($0) }.map { VersionID($0) },
            idleLimit: .seconds(try command.integer("idle", default: 3_600)))
        if command.has("commit-every") { options.commitEvery = .seconds(try command.integer("commit-every")) }
        options.requireLocal = command.has("require-local")
        if command.has("cache") { options.attributeCache = .seconds(try command.integer("cache")) }
        let session = try cluster.open(try filesystem(command), on: index, options: options)
        sessions[command.value("as") ?? first(command)] = Attachment(session: session, node: index)
        return ""
    }
}
