import Filesystem
import NodeCore
package import Primitives
package import Workloads

/// A world's make-up: where its machines are, and how they, their disks, clocks and network behave.
package struct WorldOptions: Sendable {
    package struct Machines: Hashable, Sendable {
        package var region: RegionID
        package var count: Int
        package init(region: RegionID, count: Int) {
            self.region = region
            self.count = count
        }
    }

    package enum StorageKind: String, CaseIterable, Sendable {
        /// Whole batches and chunks by name.
        case standIn = "stand-in"
        /// The storage's own code on a file system that fails (`WorldStorage`).
        case real
    }

    package var map: RegionMap
    package var machines: [Machines]
    /// Machines that are not there at first, by number from 0: they join when a fault says so, and found nothing.
    package var late: [Int] = []
    package var weather = NetworkWeather()
    package var disk = DiskWeather()
    package var storage = StorageKind.standIn
    /// Monotonic clocks are wrong by up to so many parts per million, either way. The core allows for
    /// 10 percent between two of them (`RaftSettings.clockDriftPercent`).
    package var driftPPM = 50
    /// Bytes of a chunk of the content model.
    package var chunkBytes: UInt64 = 262_144
    /// Chunks end where the content says, `chunkBytes` apart on average, instead of all being of one size.
    package var cutsByContent = false
    /// File systems are placed by the map's distances, as nodes do that have measured them; otherwise by names alone.
    package var placesByMap = false
    /// Whether each message is encoded and decoded on its way, as on the wire.
    package var encodes = false
    /// Entries after which a node saves a snapshot.
    package var snapshotEntries: UInt64 = 8_192

    /// Pause between a node's rounds of looking after its chunks, and for how long nobody must have touched
    /// a chunk that is collected.
    package var upkeepInterval: Duration = .seconds(600)
    package var garbageGrace: Duration = .seconds(1_800)
    /// For how long a machine must be away until others take its replicas over.
    package var replicaGrace: Duration = .seconds(300)

    package init(map: RegionMap, machines: [Machines]) {
        self.map = map
        self.machines = machines
    }

    package var nodeCount: Int { machines.reduce(0) { $0 + $1.count } }
}
