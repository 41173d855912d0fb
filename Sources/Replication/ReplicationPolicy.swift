package import Primitives

/// When a write or a commit counts as durable: the promise behind "acknowledged".
package enum Durability: Hashable, Sendable, XDRCodable, CustomStringConvertible {
    /// The home region holds it. Fast everywhere near home; the loss of that region loses what had
    /// not left it yet. Network file systems know no other.
    case region
    /// Regions with a majority of the voters hold it: no loss of a minority of regions loses it. The default of volumes.
    case majority
    /// Every region with a replica holds it. One unreachable region stops commits.
    case all
    /// As `majority`, and commits fail while any region lags by more than this: in time, or in bytes
    /// of content. At least one of them is given.
    case bounded(lag: Duration?, bytes: UInt64? = nil)

    package var description: String {
        switch self {
        case .region: "region"
        case .majority: "majority"
        case .all: "all"
        case .bounded(let lag, let bytes):
            "bounded: "
                + [lag.map { "\($0.inNanoseconds / 1_000_000) ms" }, bytes.map { "\($0) bytes" }].compactMap { $0 }.joined(separator: ", ")
        }
    }

    package var isBounded: Bool {
        if case .bounded = self { return true }
        return false
    }

    /// Whether a commit may be accepted while a region is behind by so much.
    package func allows(lag: Duration, bytes: UInt64) -> Bool {
        guard case .bounded(let time, let content) = self else { return true }
        return lag <= time ?? lag && bytes <= content ?? bytes
    }

    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .region: writer.write(UInt32(1))
        case .majority: writer.write(UInt32(2))
        case .all: writer.write(UInt32(3))
        case .bounded(let lag, let bytes):
            writer.write(UInt32(4))
            writer.write(lag != nil)
            if let lag { writer.write(lag) }
            writer.write(bytes != nil)
            if let bytes { writer.write(bytes) }
        }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        switch try reader.uint32("durability", in: 1...4) {
        case 1: self = .region
        case 2: self = .majority
        case 3: self = .all
        default:
            let lag: Duration? = try reader.bool() ? try reader.duration() : nil
            self = .bounded(lag: lag, bytes: try reader.bool() ? try reader.uint64() : nil)
        }
    }
}

/// Where the voters and the chunks of a file system live: what tells the two modes apart.
package struct ReplicationPolicy: Hashable, Sendable, XDRCodable {
    package var durability: Durability
    /// Regions that vote; default 5, one of 1, 3, 5. 5 survive the loss of two regions, 3 commit
    /// sooner, 1 puts all voters at home. Ignored for network file systems.
    package var voterRegions: UInt32 = 5
    /// Replicas of the metadata in one region, voters and learners; default 3, range 1...7. For a
    /// network file system: its voters. 2 let each region survive the loss of one node for reads.
    package var replicasPerRegion: UInt32 = 3
    /// Copies of each chunk in one region; 0 (default) for 2 where the region has two nodes (volume),
    /// or one on each voter's node (network file system). Range 0...7.
    package var copiesPerRegion: UInt32 = 0

    package init(durability: Durability) { self.durability = durability }

    package static let nfs = ReplicationPolicy(durability: .region)
    package static let volume = ReplicationPolicy(durability: .majority)

    package static func standard(_ kind: FilesystemKind) -> ReplicationPolicy {
        switch kind {
        case .nfs: .nfs
        case .volume: .volume
        }
    }

    /// What is wrong with it, in words; nil where nothing is.
    package func fault(for kind: FilesystemKind) -> String? {
        if ![1, 3, 5].contains(voterRegions) { return "voter regions must be 1, 3 or 5, not \(voterRegions)" }
        if !(1...7).contains(replicasPerRegion) { return "replicas per region must be 1 to 7, not \(replicasPerRegion)" }
        if copiesPerRegion > 7 { return "copies per region must be 0 to 7, not \(copiesPerRegion)" }
        if case .bounded(let lag, let bytes) = durability {
            if lag == nil && bytes == nil { return "durability bounded needs a bound of the lag, in seconds or bytes" }
            if let lag, lag < .milliseconds(100) || lag > .seconds(86_400) { return "the bound of the lag must be 100 ms to one day" }
        }
        if kind == .nfs, durability != .region { return "a network file system is durable in its primary region only, not '\(durability)'" }
        return nil
    }

    package func encode(to writer: inout XDRWriter) {
        writer.write(durability)
        writer.write(voterRegions)
        writer.write(replicasPerRegion)
        writer.write(copiesPerRegion)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        durability = try reader.value()
        voterRegions = try reader.uint32()
        replicasPerRegion = try reader.uint32()
        copiesPerRegion = try reader.uint32()
    }
}
