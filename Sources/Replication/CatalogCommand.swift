package import Primitives

/// Which file system is meant.
package enum FilesystemSelector: Hashable, Sendable, CustomStringConvertible {
    case id(FilesystemID)
    /// The name, and the kind that the caller takes it for; nil for either.
    case name(String, FilesystemKind?, EnvironmentName)

    /// Reads what a user typed: an id where it is one, else a name.
    package init(_ text: String, kind: FilesystemKind?, environment: EnvironmentName = .main) {
        if let id = FilesystemID(text) { self = .id(id) } else { self = .name(text, kind, environment) }
    }

    package var description: String {
        switch self {
        case .id(let id): id.description
        case .name(let name, _, let environment):
            environment == .main ? "'\(CatalogName.shown(name))'" : "'\(CatalogName.shown(name))' in environment \(environment)"
        }
    }
}

/// Which app is meant.
package enum AppSelector: Hashable, Sendable, CustomStringConvertible {
    case id(AppID)
    case name(String, EnvironmentName)

    package init(_ text: String, environment: EnvironmentName = .main) {
        if let id = AppID(text) { self = .id(id) } else { self = .name(text, environment) }
    }

    package var description: String {
        switch self {
        case .id(let id): id.description
        case .name(let name, let environment):
            environment == .main ? "'\(CatalogName.shown(name))'" : "'\(CatalogName.shown(name))' in environment \(environment)"
        }
    }
}

/// What to do about a name that exists or does not.
package enum CreationMode: Hashable, Sendable {
    /// Only look: fails where it does not exist.
    case lookup
    /// Return the one that exists, or create it. Two callers get the same id.
    case createIfMissing
    /// Create it, or fail where the name exists.
    case createFailIfExists
    /// Create one without a name, which ends with `owner`.
    case ephemeral(owner: AppID)
}

/// A file system to look up or create. The bits of the id are drawn by the proposer and the plan is
/// made by it (only it has the measured round trips), so that applying needs no chance.
package struct FilesystemRequest: Hashable, Sendable {
    package var kind: FilesystemKind
    /// Nil with `.ephemeral`, and only then.
    package var name: String?
    package var environment: EnvironmentName
    package var mode: CreationMode
    /// The id's 128 bits, should one be created.
    package var high: UInt64
    package var low: UInt64
    /// Primary region of a network file system, home region of a volume.
    package var region: RegionID
    package var policy: ReplicationPolicy
    /// The replicas of the new group. Its voters' nodes must be active.
    package var plan: ReplicaPlan
    package var options: FilesystemOptions
    /// The version of the contract that an existing file system must have; 0 for any.
    package var expectedVersion: UInt32

    package init(
        kind: FilesystemKind, name: String?, environment: EnvironmentName = .main, mode: CreationMode, high: UInt64, low: UInt64,
        region: RegionID, policy: ReplicationPolicy, plan: ReplicaPlan, options: FilesystemOptions = FilesystemOptions(),
        expectedVersion: UInt32 = 0
    ) {
        self.kind = kind
        self.name = name
        self.environment = environment
        self.mode = mode
        self.high = high
        self.low = low
        self.region = region
        self.policy = policy
        self.plan = plan
        self.options = options
        self.expectedVersion = expectedVersion
    }
}

/// What a command does.
package enum CatalogAction: Hashable, Sendable {
    /// Gives the cluster its identity and its first nodes, which get the numbers 1, 2, … in order.
    /// Again with the same cluster id it does nothing, so that a start can be repeated.
    case bootstrap(high: UInt64, low: UInt64, name: String, format: UInt32, nodes: [NodeIntroduction], catalogPlan: ReplicaPlan)
    /// A node joins, or comes back with other endpoints, another weight. With the number that its
    /// certificate carries; nil: whoever has the name, or the next number.
    case registerNode(NodeIntroduction, number: NodeID?)
    /// Changes what is not nil.
    case updateNode(NodeID, endpoints: [NodeEndpoint]?, weight: UInt32?)
    case drainNode(NodeID)
    /// Takes back a drain.
    case resumeNode(NodeID)
    /// Takes a node out for good; refused while a plan names it, unless `force` (the node is lost).
    case removeNode(NodeID, force: Bool)

    case createEnvironment(EnvironmentName)
    case deleteEnvironment(EnvironmentName)

    case createFilesystem(FilesystemRequest)
    case renameFilesystem(FilesystemSelector, to: String)
    /// Frees the name and marks the data for removal.
    case deleteFilesystem(FilesystemSelector, allowMissing: Bool)
    /// Forgets a deleted file system, once no node holds its data.
    case purgeFilesystem(FilesystemID)
    /// Changes what is not nil.
    case setOptions(FilesystemSelector, FilesystemOptions?, ReplicationPolicy?)
    /// Where a group's replicas shall be: the catalog's own group too. `expectedRevision` is that of
    /// the plan from which this one was computed.
    case changePlacement(GroupID, ReplicaPlan, expectedRevision: UInt64)
    /// The group's leader tells that the group is as its plan of that revision says and, unless `nodes` is 0,
    /// that its content is where placement wants it with the nodes as they were at that revision.
    case settlePlacement(GroupID, plan: UInt64, nodes: UInt64)
    /// The leader of a volume's group tells which region writes most: there a leader is preferred, and a voter wanted.
    case noteWriters(GroupID, RegionID)

    case createApp(
        high: UInt64, low: UInt64, name: String, about: String, environment: EnvironmentName, leaseSeconds: UInt32, tasks: UInt32)
    case heartbeatApp(AppID, tasks: UInt32)
    case stopApp(AppSelector, AppRecord.StopReason)
    /// Ends the apps whose lease ran out before the command's time, and forgets tokens long expired.
    case expire

    case createToken(secretHash: Digest, scopes: [AccessScope], about: String, expiry: WallTime?)
    case revokeToken(AccessTokenID)
    /// Changes nothing: a marker in the log.
    case nothing
}

/// An entry of the catalog's log.
package struct CatalogCommand: Hashable, Sendable {
    package static let principalLimit = 256
    /// Texts are bounded loosely here, so that a bad name is answered and not a broken message.
    package static let textLimit = 1_024
    package static let maximumBootstrapNodes = 1_024

    /// Nil for commands that may take effect twice without harm.
    package var stamp: ClientStamp?
    /// The proposer's civil time.
    package var at: WallTime
    /// Who asked, for lists and history: a token, a user, a node. At most 256 bytes.
    package var by: String
    package var action: CatalogAction

    package init(stamp: ClientStamp? = nil, at: WallTime, by: String, action: CatalogAction) {
        self.stamp = stamp
        self.at = at
        self.by = String(decoding: Array(by.utf8.prefix(Self.principalLimit)), as: UTF8.self)
        while self.by.utf8.count > Self.principalLimit { self.by.removeLast() }
        self.action = action
    }
}

extension CatalogCommand {
    /// Why a command may not be proposed: it would not be decoded again. A proposer asks this first,
    /// since what is in the log must be readable by all.
    package var refusal: CatalogError? {
        do throws(XDRError) {
            _ = try CatalogCommand(xdr: xdrBytes)
            return nil
        } catch {
            return CatalogError(.invalidArgument, "catalog command", "", "a text or list of it is too long (\(error))", hint: "shorten it")
        }
    }
}
