internal import APISchema
internal import NodeRuntime
internal import Primitives
internal import Replication

extension DistanceReport {
    /// Nil where the file system is used where it lives, or lives everywhere.
    init?(_ record: FilesystemRecord, _ status: NodeStatus) {
        guard record.kind == .nfs, record.region != status.region else { return nil }
        let pair = status.regions.first {
            ($0.from == status.region && $0.to == record.region) || ($0.to == status.region && $0.from == record.region)
        }
        self.init(from: status.region, region: record.region, roundTripMilliseconds: pair.map { $0.median.inMilliseconds })
    }
}
