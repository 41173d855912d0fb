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

/// A client and where it works.
package struct Cell: Sendable {
    package var cursor: any ClientCursor
    package var place: CellPlace
    package init(_ cursor: any ClientCursor, at place: CellPlace) {
        self.cursor = cursor
        self.place = place
    }
}

/// What a cell came to.
package struct CellResult: Sendable {
    package var samples: [Sample]
    /// As it ended.
    package var cursor: any ClientCursor
    /// Why it ended early, if it did.
    package var gaveUp: FileFailure?
    package init(samples: [Sample], cursor: any ClientCursor, stopped: FileFailure? = nil) {
        self.samples = samples
        self.cursor = cursor
        gaveUp = cursor.gaveUp ?? stopped
    }

    package var put: WorkloadCursor.PutCounts { cursor.put }
}

/// Carries out cells, at the same time where there are several. The live world makes calls and looks at
/// the clock; the simulated one lets virtual time pass.
package protocol CellRunner: Sendable {
    /// Results in the order of the cells; `note` is told now and then how far the preparation is.
    func run(_ cells: [Cell], note: @escaping @Sendable (WorkloadCursor.PutCounts) -> Void) async -> [CellResult]
}

extension CellRunner {
    func run(_ cursors: [WorkloadCursor], at place: CellPlace, note: @escaping @Sendable (WorkloadCursor.PutCounts) -> Void) async
        -> [CellResult]
    { await run(cursors.map { Cell($0, at: place) }, note: note) }
}

/// Cells against a cluster that answers calls.
struct LiveCells: CellRunner {
    let client: any WorkloadClient
    let clock: any RunClock
    var recorder: TraceRecorder?

    func run(_ cells: [Cell], note: @escaping @Sendable (WorkloadCursor.PutCounts) -> Void) async -> [CellResult] {
        func driver(_ place: CellPlace) -> CellDriver {
            CellDriver(
                client: client, clock: clock, filesystem: place.filesystem, inputs: place.inputs, stamp: place.stamp,
                recorder: recorder)
        }
        if cells.count == 1, let only = cells.first { return [await driver(only.place).run(only.cursor, note: note)] }
        return await withTaskGroup(of: (Int, CellResult).self) { group in
            for (index, cell) in cells.enumerated() {
                let driver = driver(cell.place)
                group.addTask { (index, await driver.run(cell.cursor)) }
            }
            var results: [(Int, CellResult)] = []
            for await result in group { results.append(result) }
            return results.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}
