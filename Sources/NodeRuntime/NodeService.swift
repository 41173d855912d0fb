package import Filesystem
package import NIOCore
package import Primitives
package import Replication

/// What the front ends of a node (HTTP, S3, NFS, mounts) may ask of it. `NodeRuntime.Node` is the
/// live one; tests of front ends bring their own. Every call is bounded by a deadline.
package protocol NodeService: Sendable {
    /// Opens a session on a file system that exists; a wrong kind, an unknown id or version fails.
    func openSession(_ filesystem: FilesystemID, options: SessionOptions, within: Duration) async throws(FileFailure) -> SessionID
    /// Ends it: handles are closed, staged changes dropped. Unknown ids are ignored.
    func closeSession(_ session: SessionID) async

    /// Carries out one operation. `payload` is the bytes of a `write`; the buffer returned, those of a `read`.
    func perform(_ operation: FileOperation, session: SessionID, payload: ByteBuffer?, within: Duration)
        async throws(FileFailure) -> (outcome: FileOutcome, data: ByteBuffer?)

    /// Proposes a change of the catalog (create, delete, rename, apps, tokens …) and waits until it is applied here.
    func change(_ command: CatalogCommand, within: Duration) async throws(FileFailure) -> CatalogResult
    /// This node's copy of the catalog; no round trip. Right after `change` it includes that change.
    func catalog() async -> CatalogState
    /// What this node has applied of a group's log, as a snapshot: its metadata in XDR, and its content
    /// (docs/reference/snapshots.md). Nil where it has no replica of the group, or has applied nothing yet.
    func snapshot(of group: GroupID) async -> (metadata: [UInt8], content: [UInt8])?

    /// What this node knows now, for `status`, `members`, `regions` and `/metrics`. Answers while everything else hangs.
    func status() async -> NodeStatus
    /// Requests of front ends that have waited for over a second, the oldest first, 100 at most. Answers while everything else hangs.
    func waits() async -> [NodeStatus.Wait]

    /// Replaces the rules by which this node's links are delayed, limited or cut (a local cluster only).
    /// The bytes are a `Transport.LinkRules` in XDR.
    func applyLinkRules(_ encoded: [UInt8]) async throws(FileFailure)
    /// The numbers of the keys of gossip, the one that seals first; with `reloading` after reading the file of keys again. A
    /// file that cannot be read fails, and leaves the keys as they were.
    func gossipKeys(reloading: Bool) async throws(FileFailure) -> [UInt8]
    /// Stops taking requests, hands leadership away, leaves the gossip and flushes.
    func drain(within: Duration) async
}

/// A node seen from itself.
package struct NodeStatus: Sendable {
    package struct Member: Sendable {
        package var id: NodeID
        package var region: RegionID
        package var status: String
        package var incarnation: UInt64
        /// Measured by this node's probes; nil until measured.
        package var roundTrip: Duration?
        package var endpoints: [(name: String, address: String)]
        package init(
            id: NodeID, region: RegionID, status: String, incarnation: UInt64, roundTrip: Duration?,
            endpoints: [(name: String, address: String)]
        ) {
            self.id = id
            self.region = region
            self.status = status
            self.incarnation = incarnation
            self.roundTrip = roundTrip
            self.endpoints = endpoints
        }
    }

    package struct Group: Sendable {
        package var id: GroupID
        package var filesystem: FilesystemID?
        package var role: String
        package var term: UInt64
        package var leader: NodeID?
        package var commitIndex: UInt64
        package var appliedIndex: UInt64
        package var digest: Digest?
        package var voters: [NodeID]
        package var learners: [NodeID]
        /// The newest version of a volume; 0 otherwise.
        package var version: VersionID
        package init(
            id: GroupID, filesystem: FilesystemID?, role: String, term: UInt64, leader: NodeID?, commitIndex: UInt64, appliedIndex: UInt64,
            digest: Digest?, voters: [NodeID], learners: [NodeID], version: VersionID
        ) {
            self.id = id
            self.filesystem = filesystem
            self.role = role
            self.term = term
            self.leader = leader
            self.commitIndex = commitIndex
            self.appliedIndex = appliedIndex
            self.digest = digest
            self.voters = voters
            self.learners = learners
            self.version = version
        }
    }

    /// A measured pair of the region-to-region table.
    package struct RegionPair: Sendable {
        package var from: RegionID
        package var to: RegionID
        package var median: Duration
        package var p90: Duration
        /// The shortest round trip that is remembered.
        package var least: Duration
        package var samples: UInt64
        package init(from: RegionID, to: RegionID, median: Duration, p90: Duration, least: Duration, samples: UInt64) {
            self.from = from
            self.to = to
            self.median = median
            self.p90 = p90
            self.least = least
            self.samples = samples
        }
    }

    package struct Metric: Sendable {
        package enum Kind: String, Sendable { case counter, gauge, histogram }
        package var name: String
        package var help: String
        package var kind: Kind
        package var labels: [(String, String)]
        package var value: Double
        /// Of a histogram, what the number is: `_bucket`, `_sum` or `_count`.
        package var suffix: String
        package init(name: String, help: String, kind: Kind, labels: [(String, String)] = [], value: Double, suffix: String = "") {
            self.name = name
            self.help = help
            self.kind = kind
            self.labels = labels
            self.value = value
            self.suffix = suffix
        }
    }

    /// A request that has not been answered yet.
    package struct Wait: Sendable {
        package var operation: String
        /// A path or an open file, and the file system by its name.
        package var object: String
        /// Nil for a change of the catalog.
        package var filesystem: FilesystemID?
        /// Nil while it is being opened.
        package var session: SessionID?
        /// In words.
        package var waitsFor: String
        package var waited: Duration
        /// Until its deadline.
        package var left: Duration
        package init(
            operation: String, object: String, filesystem: FilesystemID?, session: SessionID?, waitsFor: String, waited: Duration,
            left: Duration
        ) {
            self.operation = operation
            self.object = object
            self.filesystem = filesystem
            self.session = session
            self.waitsFor = waitsFor
            self.waited = waited
            self.left = left
        }
    }

    package var node: NodeID
    package var region: RegionID
    package var clusterName: String
    package var version: String
    /// `starting`, `ready`, `draining`.
    package var state: String
    package var uptime: Duration
    package var dataDirectory: String
    package var endpoints: [(name: String, address: String)]
    package var members: [Member]
    package var groups: [Group]
    package var regions: [RegionPair]
    package var metrics: [Metric]
    package init(
        node: NodeID, region: RegionID, clusterName: String, version: String, state: String, uptime: Duration, dataDirectory: String,
        endpoints: [(name: String, address: String)], members: [Member], groups: [Group], regions: [RegionPair], metrics: [Metric]
    ) {
        self.node = node
        self.region = region
        self.clusterName = clusterName
        self.version = version
        self.state = state
        self.uptime = uptime
        self.dataDirectory = dataDirectory
        self.endpoints = endpoints
        self.members = members
        self.groups = groups
        self.regions = regions
        self.metrics = metrics
    }
}
