package import Primitives

/// Bounds of the catalog. They are the same on all nodes of a version.
package enum CatalogLimits {
    package static let nodes = 4_096
    /// The highest number of a node.
    package static let highestNode: UInt64 = 1 << 32
    package static let environments = 4_096
    package static let filesystems = 100_000
    package static let runningApps = 16_384
    /// Stopped apps kept for lists.
    package static let stoppedApps = 1_024
    package static let tokens = 16_384
    /// Events kept for `history`.
    package static let history = 2_048
    /// Tokens are forgotten so long after they expired or were revoked.
    package static let tokenRetention: Duration = .seconds(30 * 86_400)
    /// Group numbers below are the project's own.
    package static let firstGroup: UInt64 = 16
    /// The only format of a cluster so far.
    package static let format: UInt32 = 1
}

/// The cluster's catalog: which nodes, environments, file systems, apps and tokens there are.
///
/// A replicated state machine, in a Raft group of its own (`GroupID.catalog`) whose voters span
/// regions and which every node follows as a learner, so that every look-up is local. `apply` is a
/// function of the state, the command and its index and of nothing else: ids are drawn and times are
/// read by the proposer, and travel in the command. A command that fails changes nothing but the
/// index and the client table, and fails alike on every replica.
///
/// Rules that hold after every command (`checkInvariants`):
/// - A name belongs to one active file system of its environment, whatever the kind.
/// - Ids, node numbers and group numbers are never used twice.
/// - An ephemeral file system has an app, which lists it; it leaves the active state with that app.
/// - Plans name nodes that exist and are not removed, except those forced out.
package struct CatalogState: Sendable, Equatable {
    /// The cluster, once it has an identity.
    package struct Cluster: Hashable, Sendable {
        /// 128 random bits: nodes of different clusters never talk.
        package let high: UInt64
        package let low: UInt64
        package let name: String
        package let format: UInt32
        package let created: WallTime
        package var id: String { Base62.encode(high: high, low: low) }
    }

    struct NameKey: Comparable, Sendable {
        let environment: EnvironmentName
        let name: String
        static func < (a: NameKey, b: NameKey) -> Bool {
            a.environment == b.environment ? a.name.utf8.lexicographicallyPrecedes(b.name.utf8) : a.environment < b.environment
        }
    }

    /// The index of the last command applied.
    package internal(set) var appliedIndex: UInt64 = 0
    package internal(set) var cluster: Cluster?
    /// Where the replicas of the catalog itself shall be.
    package internal(set) var catalogPlan: ReplicaPlan?
    package internal(set) var catalogPlanRevision: UInt64 = 0
    /// The newest revision that the catalog's own group is known to have reached.
    package internal(set) var catalogSettledPlan: UInt64 = 0
    /// Counts the changes of the set of nodes that placement depends on: who there is, states, weights.
    package internal(set) var nodesRevision: UInt64 = 0
    package internal(set) var nodes = OrderedTable<NodeID, NodeRecord>()
    package internal(set) var regions = OrderedTable<RegionID, RegionRecord>()
    package internal(set) var environments = OrderedTable<EnvironmentName, EnvironmentRecord>()
    package internal(set) var filesystems = OrderedTable<FilesystemID, FilesystemRecord>()
    package internal(set) var apps = OrderedTable<AppID, AppRecord>()
    package internal(set) var tokens = OrderedTable<AccessTokenID, AccessToken>()
    /// Oldest first.
    package internal(set) var history: [CatalogEvent] = []
    var clients: ClientTable
    var nextNode: UInt64 = 1
    package internal(set) var nextGroup: UInt64 = CatalogLimits.firstGroup
    var nextToken: UInt64 = 1

    // What follows can be computed from the above, and is not in snapshots.
    var names = OrderedTable<NameKey, FilesystemID>()
    var groups = OrderedTable<GroupID, FilesystemID>()
    var tokensByHash = OrderedTable<Digest, AccessTokenID>()
    var runningApps = 0

    /// No part of the state either.
    var touches = CatalogTouches()

    package init(clientLimits: ClientTableLimits = ClientTableLimits()) { clients = ClientTable(limits: clientLimits) }

    /// Applies the entry at `index`, which must be later than the last one.
    package mutating func apply(_ command: CatalogCommand, index: UInt64) -> CatalogResult {
        precondition(index > appliedIndex, "entry \(index) after \(appliedIndex)")
        appliedIndex = index
        guard let stamp = command.stamp else { return perform(command) }
        switch clients.admit(stamp, index: index, at: command.at) {
        case .fresh:
            let result = perform(command)
            clients.record(stamp, result: result.xdrBytes)
            return result
        case .duplicate(let bytes):
            guard let result = try? CatalogResult(xdr: bytes) else { preconditionFailure("a kept result can not be read") }
            return result
        case .stale:
            return .failure(
                CatalogError(
                    .sessionExpired, command.action.operation, "", "proposal \(stamp.sequence) was answered and acknowledged before"))
        case .expired(let horizon):
            return .failure(
                CatalogError(
                    .sessionExpired, command.action.operation, "", "the session of its client has ended (horizon \(horizon))",
                    hint: "look whether it was done before asking again"))
        case .tooFarAhead(let window):
            return .failure(
                CatalogError(
                    .exhausted, command.action.operation, "", "its client has more than \(window) proposals unacknowledged",
                    hint: "wait for earlier results"))
        }
    }

    private mutating func perform(_ command: CatalogCommand) -> CatalogResult {
        do throws(CatalogError) {
            return .success(try run(command))
        } catch {
            return .failure(error)
        }
    }

    private mutating func run(_ command: CatalogCommand) throws(CatalogError) -> CatalogOutcome {
        if cluster == nil {
            switch command.action {
            case .bootstrap, .nothing: break
            default:
                throw CatalogError(
                    .notBootstrapped, command.action.operation, "", "the cluster has no identity yet", hint: "try again when it has started"
                )
            }
        }
        switch command.action {
        case .bootstrap, .registerNode, .updateNode, .drainNode, .resumeNode, .removeNode:
            return try runNode(command)
        case .createEnvironment(let name): return try createEnvironment(name, command)
        case .deleteEnvironment(let name): return try deleteEnvironment(name, command)
        case .createFilesystem(let request): return try createFilesystem(request, command)
        case .renameFilesystem(let selector, let name): return try renameFilesystem(selector, to: name, command)
        case .deleteFilesystem(let selector, let allowMissing):
            return try deleteFilesystem(selector, allowMissing: allowMissing, command)
        case .purgeFilesystem(let id): return try purgeFilesystem(id, command)
        case .setOptions(let selector, let options, let policy): return try setOptions(selector, options, policy, command)
        case .changePlacement(let group, let plan, let revision):
            return try changePlacement(group, plan, expectedRevision: revision, command)
        case .settlePlacement(let group, let plan, let nodes): return try settlePlacement(group, plan: plan, nodes: nodes, command)
        case .noteWriters(let group, let region): return try noteWriters(group, region, command)
        case .createApp, .heartbeatApp, .stopApp, .expire: return try runApp(command)
        case .createToken(let hash, let scopes, let about, let expiry): return try createToken(hash, scopes, about, expiry, command)
        case .revokeToken(let id): return try revokeToken(id, command)
        case .nothing: return .done
        }
    }

    /// Adds a line to the history, and drops the oldest ones in batches.
    mutating func note(
        _ verb: CatalogEvent.Verb, _ object: some CustomStringConvertible, _ command: CatalogCommand, owner: AppID? = nil,
        _ detail: String = ""
    ) {
        if history.count >= CatalogLimits.history { history.removeFirst(CatalogLimits.history / 8) }
        history.append(
            CatalogEvent(
                index: appliedIndex, at: command.at, by: command.by, verb: verb, object: object.description, owner: owner, detail: detail))
    }
}

extension CatalogAction {
    /// The words for it in errors.
    package var operation: String {
        switch self {
        case .bootstrap: "cluster bootstrap"
        case .registerNode: "node join"
        case .updateNode: "node update"
        case .drainNode: "node drain"
        case .resumeNode: "node resume"
        case .removeNode: "node remove"
        case .createEnvironment: "environment create"
        case .deleteEnvironment: "environment delete"
        case .createFilesystem(let request): "\(request.kind.word) \(request.mode == .lookup ? "look-up" : "create")"
        case .renameFilesystem(let selector, _): "\(selector.word) rename"
        case .deleteFilesystem(let selector, _): "\(selector.word) delete"
        case .purgeFilesystem(let id): "\(id.kind.word) purge"
        case .setOptions(let selector, _, _): "\(selector.word) configure"
        case .changePlacement: "placement change"
        case .settlePlacement: "placement settlement"
        case .noteWriters: "leader preference"
        case .createApp: "app create"
        case .heartbeatApp: "app heartbeat"
        case .stopApp: "app stop"
        case .expire: "expiry"
        case .createToken: "token create"
        case .revokeToken: "token revoke"
        case .nothing: "marker"
        }
    }
}

extension FilesystemSelector {
    /// The command-line noun for what is selected.
    package var word: String {
        switch self {
        case .id(let id): id.kind.word
        case .name(_, let kind?, _): kind.word
        case .name(_, nil, _): "file system"
        }
    }
}
