package import Filesystem
package import Primitives

/// What a comparison needs of a cluster: clients in its regions, and its own account of itself.
/// The live one speaks the HTTP API; tests bring a model.
package protocol WorkloadClient: Sendable {
    func describe() async throws -> ClusterDescription

    func createFilesystem(named name: String, kind: FilesystemKind, primary: RegionID) async throws -> FilesystemID
    func deleteFilesystem(_ filesystem: FilesystemID) async throws

    /// A session of a client in `region`, on a node of that region. `within` bounds each of these calls;
    /// nil: the client's own bounds.
    func openSession(_ filesystem: FilesystemID, in region: RegionID, options: SessionOptions, within: Duration?) async throws(FileFailure)
        -> SessionID
    func closeSession(_ session: SessionID, in region: RegionID, within: Duration?) async

    /// One operation. The caller measures the time around it; bytes are those of a read.
    func perform(_ operation: FileOperation, session: SessionID, in region: RegionID, payload: [UInt8]?, within: Duration?)
        async throws(FileFailure) -> (outcome: FileOutcome, data: [UInt8])

    /// The same cluster by nodes that measured clients do not use, where a region has several: whoever prepares the
    /// inputs speaks to these, so that a cold read finds no node of any region with more than placement gave it.
    var preparing: any WorkloadClient { get }

    /// Whether reads bring what was written; a model may bring only as many bytes.
    var holdsBytes: Bool { get }

    /// Bytes sent so far over each direction between regions, by all nodes together.
    func linkBytes() async throws -> [LinkBytes]
}

extension WorkloadClient {
    package var holdsBytes: Bool { true }
    package var preparing: any WorkloadClient { self }

    package func openSession(_ filesystem: FilesystemID, in region: RegionID, options: SessionOptions) async throws(FileFailure)
        -> SessionID
    {
        try await openSession(filesystem, in: region, options: options, within: nil)
    }
    package func closeSession(_ session: SessionID, in region: RegionID) async { await closeSession(session, in: region, within: nil) }
    package func perform(_ operation: FileOperation, session: SessionID, in region: RegionID, payload: [UInt8]?) async throws(FileFailure)
        -> (outcome: FileOutcome, data: [UInt8])
    { try await perform(operation, session: session, in: region, payload: payload, within: nil) }
}

package struct LinkBytes: Hashable, Sendable {
    package var from: RegionID
    package var to: RegionID
    package var bytes: UInt64
    package init(from: RegionID, to: RegionID, bytes: UInt64) {
        self.from = from
        self.to = to
        self.bytes = bytes
    }
}

/// A cluster as its members see it.
package struct ClusterDescription: Sendable {
    package struct RoundTrip: Sendable {
        package var from: RegionID
        package var to: RegionID
        package var median: Duration
        package init(from: RegionID, to: RegionID, median: Duration) {
            self.from = from
            self.to = to
            self.median = median
        }
    }

    package var version: String
    /// Regions that have a node to talk to.
    package var regions: [RegionID]
    /// How links are delayed: `shaped in process`, `network namespaces`, `not shaped`.
    package var shaping: String
    /// What an acknowledged write is durable on, in words.
    package var networkFileSystemDurability: String
    package var volumeDurability: String
    package var roundTrips: [RoundTrip]
    package init(
        version: String, regions: [RegionID], shaping: String, networkFileSystemDurability: String, volumeDurability: String,
        roundTrips: [RoundTrip]
    ) {
        self.version = version
        self.regions = regions
        self.shaping = shaping
        self.networkFileSystemDurability = networkFileSystemDurability
        self.volumeDurability = volumeDurability
        self.roundTrips = roundTrips
    }

    package func measuredMilliseconds(_ a: RegionID, _ b: RegionID) -> Double? {
        (roundTrips.first { $0.from == a && $0.to == b } ?? roundTrips.first { $0.from == b && $0.to == a })?.median.inMilliseconds
    }
}

/// The clock of a run: the machine's, or a test's.
package protocol RunClock: Sendable {
    func now() -> Instant
    func sleep(_ duration: Duration) async
}

/// The machine's monotonic clock.
package struct MachineClock: RunClock {
    private let start = ContinuousClock.now
    package init() {}
    package func now() -> Instant { .zero + (ContinuousClock.now - start) }
    package func sleep(_ duration: Duration) async { try? await Task.sleep(for: duration) }
}
