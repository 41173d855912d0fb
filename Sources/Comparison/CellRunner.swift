package import Filesystem
package import Primitives
package import Workloads

/// Where cells run: on which file system, with whose content.
package struct CellPlace: Sendable {
    package var filesystem: FilesystemID
    package var inputs: InputSet
    package var stamp: ContentStamp
    package init(filesystem: FilesystemID, inputs: InputSet, stamp: ContentStamp) {
        self.filesystem = filesystem
        self.inputs = inputs
        self.stamp = stamp
    }
}

/// What a cell came to.
package struct CellResult: Sendable {
    package var samples: [Sample]
    package var gaveUp: FileFailure?
    package var put: WorkloadCursor.PutCounts
    package init(samples: [Sample], gaveUp: FileFailure?, put: WorkloadCursor.PutCounts) {
        self.samples = samples
        self.gaveUp = gaveUp
        self.put = put
    }
}

/// Carries out cells, at the same time where there are several. The live world makes calls and looks at
/// the clock; the simulated one lets virtual time pass.
package protocol CellRunner: Sendable {
    /// Results in the order of the cursors; `note` is told now and then how far the preparation is.
    func run(_ cursors: [WorkloadCursor], at place: CellPlace, note: @escaping @Sendable (WorkloadCursor.PutCounts) -> Void) async
        -> [CellResult]
}

/// Cells against a cluster that answers calls.
struct LiveCells: CellRunner {
    let client: any WorkloadClient
    let clock: any RunClock

    func run(_ cursors: [WorkloadCursor], at place: CellPlace, note: @escaping @Sendable (WorkloadCursor.PutCounts) -> Void) async
        -> [CellResult]
    {
        let driver = CellDriver(client: client, clock: clock, filesystem: place.filesystem, inputs: place.inputs, stamp: place.stamp)
        guard cursors.count > 1 else {
            var results: [CellResult] = []
            for cursor in cursors { results.append(await driver.run(cursor, note: note)) }
            return results
        }
        return await withTaskGroup(of: (Int, CellResult).self) { group in
            for (index, cursor) in cursors.enumerated() { group.addTask { (index, await driver.run(cursor)) } }
            var results: [(Int, CellResult)] = []
            for await result in group { results.append(result) }
            return results.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}
