import Primitives
import Replication
import TestSupport

/// A command for the catalog, from a script or from a line of text.
struct CatalogLine {
    let name: String
    let arguments: [(key: String, value: String)]
    var file = "test"
    var line = 0

    init(_ command: ScriptCommand) {
        name = command.name
        arguments = command.arguments
        file = command.file
        line = command.line
    }

    /// Words `key=value` or `key=(value with spaces)`.
    init(_ text: String) {
        var words: [(key: String, value: String)] = []
        var rest = Substring(text)
        while !rest.isEmpty {
            let key = rest.prefix { $0 != "=" && $0 != " " }
            rest = rest.dropFirst(key.count)
            var value = Substring()
            if rest.first == "=" {
                rest = rest.dropFirst()
                let isGrouped = rest.first == "("
                value = isGrouped ? rest.dropFirst().prefix { $0 != ")" } : rest.prefix { $0 != " " }
                rest = rest.dropFirst(value.count + (isGrouped ? 2 : 0))
            }
            rest = rest.drop { $0 == " " }
            words.append((String(key), String(value)))
        }
        name = words[0].key
        arguments = Array(words.dropFirst())
    }

    func value(_ key: String) -> String? { arguments.first { $0.key == key }?.value }
    func has(_ key: String) -> Bool { arguments.contains { $0.key == key } }
    func list(_ key: String) -> [String] { (value(key) ?? "").split(separator: " ").map(String.init) }

    func integer(_ key: String, default fallback: Int? = nil) throws -> Int {
        if let number = value(key).flatMap({ Int($0) }) ?? (has(key) ? nil : fallback) { return number }
        throw ScriptError(file: file, line: line, reason: "\(name) needs \(key)= and a number")
    }
}

/// Drives a catalog from a script. Ids count up, time is `t=` seconds or one second later than before.
struct CatalogDriver {
    var state = CatalogState()
    /// What was applied, for a second replica.
    private(set) var log: [CatalogCommand] = []
    private var index: UInt64 = 0
    private var seconds: Int64 = 1_000_000_000
    private var nextID: UInt64 = 1

    mutating func run(_ command: ScriptCommand) throws -> String { try run(CatalogLine(command)) }
    mutating func run(_ text: String) throws -> String { try run(CatalogLine(text)) }

    mutating func run(_ command: CatalogLine) throws -> String {
        if let text = try query(command) { return text }
        let action = try action(command)
        if let t = command.value("t").flatMap({ Int64($0) }) { seconds = 1_000_000_000 + t } else { seconds += 1 }
        var stamp: ClientStamp?
        if let client = command.value("client").flatMap({ UInt64($0) }) {
            stamp = ClientStamp(
                client: ClientID(high: 0, low: client), sequence: UInt64(try command.integer("seq")),
                acknowledged: UInt64(try command.integer("ack", default: 0)), opened: UInt64(try command.integer("opened", default: 0)))
        }
        let proposal = CatalogCommand(
            stamp: stamp, at: WallTime(nanoseconds: seconds * 1_000_000_000), by: command.value("by") ?? "ann", action: action)
        if let refusal = proposal.refusal { return "refused to propose: \(refusal)" }
        // What is applied has been through the log.
        let logged = try CatalogCommand(xdr: proposal.xdrBytes)
        precondition(logged == proposal, "a command changed in the log")
        index += 1
        log.append(logged)
        let result = state.apply(logged, index: index)
        state.checkInvariants()
        let copy = try CatalogResult(xdr: result.xdrBytes)
        precondition(copy == result, "a result changed on the wire")
        switch result {
        case .failure(let error): return "\(error.code): \(error)"
        case .success(let outcome): return describe(outcome)
        }
    }

    // MARK: Commands

    private func environment(_ command: CatalogLine) -> EnvironmentName { command.value("env").map { EnvironmentName(name: $0) } ?? .main }

    private func kind(_ command: CatalogLine) throws -> FilesystemKind? {
        switch command.value("kind") {
        case "nfs": .nfs
        case "volume": .volume
        case nil: nil
        case let other?: throw ScriptError(file: command.file, line: command.line, reason: "kind \(other)")
        }
    }

    private func selector(_ command: CatalogLine) throws -> FilesystemSelector {
        FilesystemSelector(command.value("name") ?? command.value("id") ?? "", kind: try kind(command), environment: environment(command))
    }

    private func introduction(_ text: String) -> NodeIntroduction {
        let parts = text.split(separator: ":").map(String.init)
        return NodeIntroduction(
            region: RegionID(parts[0]), name: parts[1],
            endpoints: [NodeEndpoint(key: "peer", host: "127.0.0.1", port: UInt16(parts.count > 2 ? parts[2] : "4000") ?? 0)], weight: 100)
    }

    private func plan(_ purpose: GroupPurpose, home: RegionID, avoiding: [NodeID] = [], keeping: ReplicaPlan? = nil) throws -> ReplicaPlan {
        try ReplicaPlanner(
            group: GroupID(99), purpose: purpose, policy: purpose == .nfs ? .nfs : .volume, table: state.regionTable, keeping: keeping,
            avoiding: avoiding
        ).plan(home: home)
    }

    private mutating func newID() -> UInt64 {
        defer { nextID += 1 }
        return nextID
    }

    private mutating func action(_ command: CatalogLine) throws -> CatalogAction {
        switch command.name {
        case "bootstrap":
            let nodes = command.list("nodes").map(introduction)
            let table = RegionTable(nodes: nodes.enumerated().map { .init(id: NodeID(UInt64($0.offset) + 1), region: $0.element.region) })
            let plan = try ReplicaPlanner(group: .catalog, purpose: .catalog, policy: .volume, table: table).plan(home: nil)
            return .bootstrap(
                high: 1, low: UInt64(try command.integer("id", default: 1)), name: command.value("name") ?? "reef",
                format: UInt32(try command.integer("format", default: 1)), nodes: nodes, catalogPlan: plan)
        case "join":
            var node = introduction(command.value("node") ?? "")
            node.store = UInt64(try command.integer("store", default: 0))
            node.beginsRegion = command.has("new-region")
            return .registerNode(node, number: try command.has("number") ? NodeID(UInt64(command.integer("number"))) : nil)
        case "settle":
            return .settlePlacement(
                GroupID(UInt64(try command.integer("group"))), plan: UInt64(try command.integer("plan")),
                nodes: try command.has("nodes") ? UInt64(command.integer("nodes")) : state.nodesRevision)
        case "writers": return .noteWriters(GroupID(UInt64(try command.integer("group"))), RegionID(command.value("region") ?? ""))
        case "update":
            return .updateNode(
                NodeID(UInt64(try command.integer("node"))),
                endpoints: command.has("host") ? [NodeEndpoint(key: "peer", host: command.value("host") ?? "", port: 1)] : nil,
                weight: command.value("weight").flatMap { UInt32($0) })
        case "drain": return .drainNode(NodeID(UInt64(try command.integer("node"))))
        case "resume": return .resumeNode(NodeID(UInt64(try command.integer("node"))))
        case "remove": return .removeNode(NodeID(UInt64(try command.integer("node"))), force: command.has("force"))
        case "environment-create": return .createEnvironment(EnvironmentName(name: command.value("name") ?? ""))
        case "environment-delete": return .deleteEnvironment(EnvironmentName(name: command.value("name") ?? ""))
        case "create", "lookup": return .createFilesystem(try request(command))
        case "rename": return .renameFilesystem(try selector(command), to: command.value("to") ?? "")
        case "delete": return .deleteFilesystem(try selector(command), allowMissing: command.has("allow-missing"))
        case "purge": return .purgeFilesystem(FilesystemID(command.value("id") ?? "") ?? FilesystemID(kind: .nfs, high: 0, low: 0))
        case "configure": return try configure(command)
        case "place": return try place(command)
        case "app":
            return .createApp(
                high: 0, low: newID(), name: command.value("name") ?? "", about: "", environment: environment(command),
                leaseSeconds: UInt32(try command.integer("lease", default: 300)), tasks: 1)
        case "heartbeat":
            return .heartbeatApp(
                AppID(command.value("id") ?? "") ?? AppID(high: 0, low: 0), tasks: UInt32(try command.integer("tasks", default: 1)))
        case "stop":
            return .stopApp(
                AppSelector(command.value("app") ?? "", environment: environment(command)), command.has("finished") ? .finished : .requested
            )
        case "expire": return .expire
        case "token": return try token(command)
        case "revoke": return .revokeToken(AccessTokenID(UInt64(try command.integer("token"))))
        case "nothing": return .nothing
        default: throw ScriptError(file: command.file, line: command.line, reason: "unknown command \(command.name)")
        }
    }

    private mutating func request(_ command: CatalogLine) throws -> FilesystemRequest {
        let kind = try kind(command) ?? .volume
        let region = RegionID(command.value("region") ?? "us-east-1")
        let mode: CreationMode =
            switch command.value("mode") {
            case nil: command.name == "lookup" ? .lookup : .createFailIfExists
            case "missing": .createIfMissing
            case "ephemeral": .ephemeral(owner: AppID(command.value("owner") ?? "") ?? AppID(high: 9, low: 9))
            default: .createFailIfExists
            }
        var policy = ReplicationPolicy.standard(kind)
        if command.value("durability") == "all" { policy.durability = .all }
        var options = FilesystemOptions()
        options.version = UInt32(try command.integer("version", default: 2))
        // Where the region is unknown the plan is for another, as a mistaken proposer's would be.
        let home = state.regions.contains(region) ? region : RegionID("us-east-1")
        return FilesystemRequest(
            kind: kind, name: command.value("name"), environment: environment(command), mode: mode, high: 0,
            low: command.value("low").flatMap { UInt64($0) } ?? newID(), region: region, policy: policy,
            plan: try plan(GroupPurpose(kind), home: home),
            options: options, expectedVersion: UInt32(try command.integer("expect", default: 0)))
    }

    private func configure(_ command: CatalogLine) throws -> CatalogAction {
        var options = FilesystemOptions()
        options.backgroundCommitSeconds = UInt32(try command.integer("background", default: 5))
        options.version = UInt32(try command.integer("version", default: 2))
        var policy: ReplicationPolicy?
        if command.value("durability") == "all" { policy = ReplicationPolicy(durability: .all) }
        return .setOptions(try selector(command), options, policy)
    }

    private func place(_ command: CatalogLine) throws -> CatalogAction {
        let group = GroupID(UInt64(try command.integer("group")))
        let avoiding = command.list("avoiding").compactMap { UInt64($0).map(NodeID.init) }
        let old = group == .catalog ? state.catalogPlan : state.filesystem(of: group)?.plan
        let home = RegionID(command.value("home") ?? old?.home.name ?? "us-east-1")
        let plan = try plan(old?.purpose ?? .volume, home: home, avoiding: avoiding, keeping: old)
        return .changePlacement(group, plan, expectedRevision: UInt64(try command.integer("revision")))
    }

    private func token(_ command: CatalogLine) throws -> CatalogAction {
        let scopes = command.list("scopes").map { word -> AccessScope in
            let parts = word.split(separator: ":").map(String.init)
            if let id = FilesystemID(parts[0]) { return .filesystem(id, write: parts.last == "write") }
            if parts[0] == "env" { return .environment(EnvironmentName(name: parts[1]), write: parts.last == "write") }
            return .clusterAdmin
        }
        let expiry = command.value("expiry").flatMap { Int64($0) }.map { WallTime(nanoseconds: (1_000_000_000 + $0) * 1_000_000_000) }
        return .createToken(
            secretHash: SHA256.hash(Array((command.value("secret") ?? "").utf8)), scopes: scopes, about: command.value("about") ?? "",
            expiry: expiry)
    }

    // MARK: Output

    private func describe(_ outcome: CatalogOutcome) -> String {
        switch outcome {
        case .done: "ok"
        case .node(let node): describe(node)
        case .filesystem(let record, let created): (created ? "created " : "") + describe(record)
        case .app(let app): describe(app)
        case .ended(let apps, let filesystems): "ended \(apps) with \(filesystems)"
        case .token(let id): "\(id)"
        }
    }

    private func describe(_ node: NodeRecord) -> String {
        "\(node.id) \(node.name) \(node.region) \(node.state.word) weight=\(node.weight) \(node.endpoints)"
    }

    private func describe(_ record: FilesystemRecord) -> String {
        "\(record.id) \(record.group) '\(record.name ?? "")' env=\(record.environment) \(record.isActive ? "active" : "deleting") \(record.policy.durability) rev=\(record.planRevision)\(record.writers.map { " writers=\($0)" } ?? "") \(record.plan)"
    }

    private func describe(_ app: AppRecord) -> String {
        var state = "running"
        if case .stopped(_, let by, let reason) = app.state { state = "\(reason.word) by \(by)" }
        return "\(app.id) '\(app.name)' \(state) tasks=\(app.tasks) owns=\(app.filesystems)"
    }

    private mutating func query(_ command: CatalogLine) throws -> String? {
        switch command.name {
        case "find":
            do { return describe(try state.find(try selector(command), "\(try kind(command)?.word ?? "any") open")) } catch let error
                as CatalogError
            {
                return "\(error.code): \(error)"
            }
        case "list":
            return state.filesystems(of: try kind(command), in: command.has("env") ? environment(command) : nil).map(describe).joined(
                separator: "\n")
        case "apps": return state.apps(in: nil).map(describe).joined(separator: "\n")
        case "nodes": return state.nodes.values.map(describe).joined(separator: "\n")
        case "objects":
            return state.objects(in: nil).map { "\($0.id) \($0.kind) '\($0.name)' \($0.state)" }.joined(separator: "\n")
        case "history":
            return state.history(of: command.value("app").flatMap { AppID($0) }).map {
                "\($0.index) \($0.by) \($0.verb) \($0.object) \($0.detail)"
            }.joined(separator: "\n")
        case "placements":
            return state.placements(on: NodeID(UInt64(try command.integer("node")))).map {
                "\($0.group) \($0.plan.isVoter(NodeID(UInt64((try? command.integer("node")) ?? 0))) ? "votes" : "learns")"
            }
            .joined(separator: "\n")
        case "access":
            let time = WallTime(nanoseconds: seconds * 1_000_000_000)
            guard let token = state.token(secretHash: SHA256.hash(Array((command.value("secret") ?? "").utf8)), at: time) else {
                return "unknown"
            }
            guard let record = FilesystemID(command.value("id") ?? "").flatMap({ state.filesystems[$0] }) else {
                return "\(token.id) admin=\(token.isAdmin)"
            }
            return "\(token.id) read=\(token.allows(record, write: false)) write=\(token.allows(record, write: true))"
        case "snapshot":
            let copy = try CatalogState(xdr: state.xdrBytes)
            copy.checkInvariants()
            precondition(copy == state && copy.digest == state.digest, "a snapshot differs from what it was made of")
            // The rest of the script runs on the restored state.
            state = copy
            return "same"
        default: return nil
        }
    }
}
