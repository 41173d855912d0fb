import Namespace
import Primitives
import TestSupport

/// Runs the commands of a script against a file system and its sessions. After every operation it
/// checks the invariants, that the wire form says the same, that a second replica agrees, and that
/// a refusal changed nothing.
final class Interpreter {
    struct Session {
        var base: NamespaceTree
        var version: VersionID
        var staged: NamespaceState
    }

    var state = NamespaceState(settings: NamespaceSettings(salt: 1), time: WallTime(nanoseconds: 0))
    var replica = NamespaceState(settings: NamespaceSettings(salt: 1), time: WallTime(nanoseconds: 0))
    var sessions: [String: Session] = [:]
    var clock: Int64 = 0
    /// What must not be: it shows in the output of the command.
    private var problems: [String] = []

    func run(_ command: ScriptCommand) throws -> String {
        problems = []
        let output = try execute(command)
        return (problems.map { "PROBLEM: " + $0 } + (output.isEmpty ? [] : [output])).joined(separator: "\n")
    }

    private func require(_ holds: Bool, _ problem: @autoclosure () -> String) { if !holds { problems.append(problem()) } }

    private func execute(_ command: ScriptCommand) throws -> String {
        switch command.name {
        case "new": return try new(command)
        case "do": return try perform(command)
        case "tree": return try list(command)
        case "readdir": return try readDirectory(command)
        case "walk": return walk(command)
        case "session":
            let name = command.arguments[0].key
            sessions[name] = Session(base: state.tree, version: state.version, staged: state.session())
            return "\(name) at \(state.version)"
        case "changes": return try changes(command)
        case "commit": return try commit(command)
        case "rollback":
            let result = apply(.rollback(to: VersionID(UInt64(try command.integer("to"))), info(command)))
            return Describe.result(result)
        case "history":
            return state.history.versions.map {
                "\($0.id) t=\($0.time.nanoseconds) \($0.info.author) \"\($0.info.message)\" files=\($0.filesChanged) bytes=\($0.bytesAdded)"
            }.joined(separator: "\n")
        case "conflicts": return state.conflictLog.records.map(Describe.conflict).joined(separator: "\n")
        case "resolve": return try resolve(command)
        case "diff": return try diff(command)
        case "same":
            let (a, b) = (VersionID(UInt64(try command.integer("a"))), VersionID(UInt64(try command.integer("b"))))
            return try state.tree(at: a).digest == state.tree(at: b).digest ? "yes" : "no"
        case "statistics": return Describe.statistics(state.statistics)
        case "snapshot": return try snapshot()
        case "clone": return try clone(command)
        default: throw ScriptError(file: command.file, line: command.line, reason: "what is \(command.name)?")
        }
    }

    private func new(_ command: ScriptCommand) throws -> String {
        var settings = NamespaceSettings(salt: UInt64(try command.integer("salt", default: 1)))
        settings.maximumInodes = try command.has("inodes") ? UInt64(command.integer("inodes")) : nil
        settings.maximumBytes = try command.has("bytes") ? UInt64(command.integer("bytes")) : nil
        settings.versionsKept = UInt32(try command.integer("versions", default: 1_000))
        settings.versionAgeKept = try command.has("age") ? UInt64(command.integer("age")) : nil
        settings.conflictsKept = UInt32(try command.integer("conflicts", default: 1_000))
        clock = 0
        sessions = [:]
        state = NamespaceState(settings: settings, time: WallTime(nanoseconds: 0))
        replica = state
        return ""
    }

    // MARK: Applying

    func context(_ credentials: Credentials? = nil) -> CommandContext {
        CommandContext(time: WallTime(nanoseconds: clock), credentials: credentials ?? .root, enforcePermissions: credentials != nil)
    }

    func apply(_ operation: NamespaceOperation, as credentials: Credentials? = nil, on session: String? = nil) -> NamespaceResult {
        clock += 1
        let command = NamespaceCommand(operation, context: context(credentials))
        let decoded = try? NamespaceCommand(xdr: command.xdrBytes)
        require(decoded == command, "the wire form of \(command) says something else: \(String(describing: decoded))")
        if let session { return applyChecked(command, to: &sessions[session]!.staged) }
        let result = applyChecked(command, to: &state)
        let other = replica.apply(decoded!)
        require(other == result && replica.namespaceDigest == state.namespaceDigest, "the replica differs after \(command)")
        return result
    }

    private func applyChecked(_ command: NamespaceCommand, to state: inout NamespaceState) -> NamespaceResult {
        let before = state.namespaceDigest
        let result = state.apply(command)
        let decoded = try? NamespaceResult(xdr: result.xdrBytes)
        require(decoded == result, "the wire form of \(result) says something else")
        require(result.error == nil || state.namespaceDigest == before, "a refusal changed something: \(command)")
        let faults = state.faults()
        require(faults.isEmpty, "\(command.operation.word): \(faults)")
        if faults.isEmpty { state.checkInvariants() }
        return result
    }

    func target(_ command: ScriptCommand) throws -> NamespaceTree {
        if let name = command.value("on") {
            guard let session = sessions[name] else {
                throw ScriptError(file: command.file, line: command.line, reason: "no session \(name)")
            }
            return session.staged.tree
        }
        if command.has("at") { return try state.tree(at: VersionID(UInt64(command.integer("at")))) }
        return state.tree
    }

    // MARK: Volumes

    private func info(_ command: ScriptCommand) -> CommitInfo {
        CommitInfo(
            ifUnchanged: command.has("ifunchanged"), session: 1, author: command.value("author") ?? command.arguments.first?.key ?? "",
            message: command.value("message") ?? "")
    }

    private func changes(_ command: ScriptCommand) throws -> String {
        let session = sessions[command.arguments[0].key]!
        let changes = VolumeChanges.between(base: session.base, staged: session.staged.tree, version: session.version)
        let decoded = try VolumeChanges(xdr: changes.xdrBytes)
        require(decoded == changes, "the wire form of the changes says something else")
        return Describe.changes(changes)
    }

    private func commit(_ command: ScriptCommand) throws -> String {
        let name = command.arguments[0].key
        let session = sessions[name]!
        let changes = VolumeChanges.between(base: session.base, staged: session.staged.tree, version: session.version)
        let result = apply(.commitChanges(changes, info(command)))
        if result.error == nil { sessions[name] = nil }
        return Describe.result(result)
    }

    private func resolve(_ command: ScriptCommand) throws -> String {
        let id = UInt64(try command.integer("id"))
        guard command.has("restore") else { return Describe.result(apply(.resolveConflict(id: id, .dismiss))) }
        let path = command.value("restore").flatMap { $0.isEmpty ? nil : Array($0.utf8) }
        return Describe.result(apply(.resolveConflict(id: id, .restore(path: path, info(command)))))
    }

    private func diff(_ command: ScriptCommand) throws -> String {
        let (changes, truncated) = try state.diff(
            from: VersionID(UInt64(command.integer("from"))), to: VersionID(UInt64(command.integer("to"))),
            limit: command.integer("limit", default: 1_000))
        return (changes.map(Describe.treeChange) + (truncated ? ["…"] : [])).joined(separator: "\n")
    }

    private func snapshot() throws -> String {
        var encoder = SnapshotEncoder(state, target: 2_000)
        var decoder = SnapshotDecoder()
        while let piece = encoder.next() { try decoder.consume(piece) }
        state = try decoder.finish()
        state.checkInvariants()
        require(state.namespaceDigest == replica.namespaceDigest, "the snapshot differs")
        return "ok"
    }

    private func clone(_ command: ScriptCommand) throws -> String {
        let version = try command.has("at") ? VersionID(UInt64(command.integer("at"))) : nil
        state = try state.clone(at: version, info: info(command), time: WallTime(nanoseconds: clock))
        replica = state
        state.checkInvariants()
        return "\(state.version)"
    }
}
