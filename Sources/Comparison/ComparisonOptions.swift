package import Primitives
package import Workloads

/// What to compare, and within which bounds.
package struct ComparisonOptions: Sendable {
    package var workloads: [Workload]
    /// In order of measurement.
    package var kinds: [FilesystemKind] = [.nfs, .volume]
    package var map: RegionMap
    package var primary: RegionID
    /// Regions that a client runs in; those of the cluster by default.
    package var regions: [RegionID]?
    /// A folder with one's own files; nil for the machine's.
    package var inputFolder: String?
    /// The inputs of each workload, in their order; nil to look for files.
    package var inputs: [InputSet]?
    /// Told apart from every other run: stamps the content.
    package var nonce: UInt64
    /// Time to aim at for preparation and cells together: those of later workloads are cut short, to a
    /// tenth at least, where it runs low. Each operation is done once in each repetition all the same.
    /// 10 s to a day.
    package var budget: Duration = .seconds(240)
    /// Whether far clients of a network file system may run at the same time.
    package var concurrentRegions = true
    /// What is broken after everything was measured; nil for nothing.
    package var faults: FaultOptions?
    /// Why nothing is broken although that was asked for.
    package var faultsLeftOut: String?
    /// Takes down what the clients of a live run do; nil for nobody.
    package var recorder: TraceRecorder?
    /// File systems to use instead of new ones, by kind; they must be empty, and stay.
    package var existing: [FilesystemKind: FilesystemID] = [:]  // looked up only
    /// Leaves the two file systems in place afterwards.
    package var keep = false
    /// An interrupted run gives a report of what it has, with a note, instead of an error.
    package var tellsPartly = false
    package var world = "live"
    package var command = "atoll compare"
    package var created = ""
    package var system = ""
    package var machine = ""
    /// What the report says of method; nil for that of a live run.
    package var method: [String]?

    package init(workloads: [Workload], map: RegionMap, primary: RegionID, nonce: UInt64) {
        self.workloads = workloads
        self.map = map
        self.primary = primary
        self.nonce = nonce
    }
}

/// A comparison that could not be done at all.
package struct ComparisonError: Error, Sendable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}
