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
    private struct Attachment {
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
    private var sessions: [String: Attachment] = [:]
    private var files: [String: (handle: HandleID, session: String)] = [:]
    private var pending: [String: Pending] = [:]
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

    private func fault(_ command: ScriptCommand, _ reason: String) -> ScriptError {
        ScriptError(file: command.file, line: command.line, reason: reason)
    }

    private func first(_ command: ScriptCommand) -> String { command.arguments.first?.key ?? "" }

    private func node(_ command: ScriptCommand, _ key: String = "on") throws -> Int {
        let name = command.value(key) ?? "us-1"
        guard let index = names[name] else { throw fault(command, "no node \(name)") }
        return index
    }

    private func path(_ command: ScriptCommand, _ key: String = "path") throws -> FilePath {
        guard let path = FilePath(command.value(key) ?? "..") else { throw fault(command, "\(command.name) needs \(key)=PATH") }
        return path
    }

    private func session(_ command: ScriptCommand) throws -> Attachment {
        guard let found = sessions[first(command)] else { throw fault(command, "no session \(first(command))") }
        return found
    }

    private func file(_ command: ScriptCommand) throws -> (handle: HandleID, place: Attachment) {
        guard let found = files[first(command)], let place = sessions[found.session] else {
            throw fault(command, "no open file \(first(command))")
        }
        return (found.handle, place)
    }

    private func range(_ command: ScriptCommand) -> LockRange {
        let parts = (command.value("range") ?? "0+end").split(separator: "+")
        return LockRange(start: UInt64(parts[0])!, length: UInt64(parts[1]) ?? .max)
    }

    /// `text=`, or `size=` bytes that depend on the size and `seed=` alone.
    private func bytes(_ command: ScriptCommand) throws -> [UInt8] {
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
        case "held": return "buffers=\(cluster.buffersHeld()) stages=\(cluster.stagesHeld())"
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

    // MARK: Operations

    private func start(_ operation: FileOperation, _ place: Attachment, _ command: ScriptCommand, bytes: [UInt8]? = nil) throws -> Pending {
        let payload = bytes.map { cluster.hosts[place.node].insert($0) }
        let limit = Duration.seconds(try command.integer("limit", default: 60))
        let end = cluster.now + limit
        let request = cluster.begin(on: place.node) { .operation($0, place.session, operation, payload: payload, deadline: end) }
        return Pending(node: place.node, request: request, operation: operation, began: cluster.now)
    }

    private func result(_ waiting: Pending) throws -> (outcome: FileOutcome, data: [UInt8]?) {
        switch cluster.wait(waiting.request, on: waiting.node, limit: .seconds(90)) {
        case .outcome(let outcome, let buffer)?:
            return (outcome, buffer.flatMap { cluster.hosts[waiting.node].buffers.removeValue(forKey: $0) })
        case .failed(let failure)?: throw failure
        default: throw FileFailure(.timedOut, operation: waiting.operation.name, object: waiting.operation.object, cause: "never answered")
        }
    }

    private func finish(_ waiting: Pending, _ command: ScriptCommand) throws -> String {
        let (outcome, data) = try result(waiting)
        if case .opened(let handle, _) = outcome.value, let name = command.value("as") { files[name] = (handle, first(command)) }
        var text = Self.words(outcome.value, data)
        text += Self.words(outcome.cost, withBytes: command.has("bytes"))
        if command.has("time") { text += " in \((cluster.now - waiting.began).inNanoseconds / 1_000_000) ms" }
        return text.hasPrefix(" ") ? String(text.dropFirst()) : text
    }

    private func single(_ command: ScriptCommand) throws -> String {
        let (operation, place, bytes) = try operation(command)
        let waiting = try start(operation, place, command, bytes: bytes)
        if let name = command.value("later") {
            pending[name] = waiting
            cluster.run(for: .zero)
            return ""
        }
        return try finish(waiting, command)
    }

    private func put(_ command: ScriptCommand) throws -> String {
        let place = try session(command)
        let content = try bytes(command)
        var cost = OperationCost()
        let opened = try result(
            try start(.open(path: path(command), mode: .replace(mode: 0o644, refuseExisting: command.has("new"))), place, command)
        ).outcome
        guard case .opened(let handle, _) = opened.value else { throw fault(command, "not opened") }
        cost = cost + opened.cost
        var offset = 0
        let piece = try command.integer("piece", default: 1 << 20)
        while offset < content.count {
            let part = Array(content[offset..<min(content.count, offset + piece)])
            cost = cost + (try result(try start(.write(handle: handle, offset: UInt64(offset)), place, command, bytes: part)).outcome.cost)
            offset += part.count
        }
        cost = cost + (try result(try start(.close(handle: handle, abandon: command.has("abandon")), place, command)).outcome.cost)
        return "\(content.count) bytes" + Self.words(cost, withBytes: command.has("bytes"))
    }

    private func get(_ command: ScriptCommand) throws -> String {
        let place = try session(command)
        let opened = try result(try start(.open(path: path(command), mode: .read), place, command)).outcome
        guard case .opened(let handle, let attributes) = opened.value else { throw fault(command, "not opened") }
        var cost = opened.cost
        var content: [UInt8] = []
        var failure: FileFailure?
        do throws(FileFailure) {
            while true {
                let read: (outcome: FileOutcome, data: [UInt8]?)
                do {
                    read = try result(try start(.read(handle: handle, offset: UInt64(content.count), length: 1 << 20), place, command))
                } catch let failed as FileFailure { throw failed } catch { break }
                cost = cost + read.outcome.cost
                content += read.data ?? []
                guard case .data(_, endOfFile: false) = read.outcome.value else { break }
            }
        } catch { failure = error }
        cost = cost + (try result(try start(.close(handle: handle, abandon: false), place, command)).outcome.cost)
        if let failure { throw failure }
        guard content.count == Int(attributes.size) else { return "\(content.count) of \(attributes.size) bytes" }
        return Self.words(content) + Self.words(cost, withBytes: command.has("bytes"))
    }

    private func flood(_ command: ScriptCommand) throws -> String {
        let place = try session(command)
        let target = try path(command)
        let waiting = try (0..<(try command.integer("count"))).map { number in
            let operation: FileOperation =
                command.name == "flood"
                ? .stat(path: target, followLinks: true)
                : .makeDirectory(path: FilePath("\(target)\(number)")!, mode: 0o755, parents: true)
            return try start(operation, place, command)
        }
        var counts: [String: Int] = [:]
        for one in waiting {
            do {
                _ = try result(one)
                counts["done", default: 0] += 1
            } catch let failure as FileFailure { counts[failure.code.word, default: 0] += 1 }
        }
        return counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }

    private func operation(_ command: ScriptCommand) throws -> (FileOperation, Attachment, [UInt8]?) {
        switch command.name {
        case "write":
            let open = try file(command)
            let offset = command.has("append") ? UInt64.max : UInt64(try command.integer("offset", default: 0))
            return (.write(handle: open.handle, offset: offset), open.place, try bytes(command))
        case "read":
            let open = try file(command)
            let offset = UInt64(try command.integer("offset", default: 0))
            return (
                .read(handle: open.handle, offset: offset, length: UInt32(try command.integer("length", default: 1_000))), open.place, nil
            )
        case "sync":
            let open = try file(command)
            return (.sync(handle: open.handle), open.place, nil)
        case "close":
            let open = try file(command)
            return (.close(handle: open.handle, abandon: command.has("abandon")), open.place, nil)
        case "lock":
            let open = try file(command)
            return (
                .lock(handle: open.handle, range: range(command), exclusive: !command.has("shared"), wait: command.has("wait")), open.place,
                nil
            )
        case "unlock":
            let open = try file(command)
            return (.unlock(handle: open.handle, range: range(command)), open.place, nil)
        default: return (try sessionOperation(command), try session(command), nil)
        }
    }
}
