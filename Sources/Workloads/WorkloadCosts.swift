package import Filesystem
package import Primitives

/// What a client's calls cost a machine: processor, local sockets, page cache, and what of the disk no
/// model has. A simulated world knows distance, windows and syncs; this table is what it adds to each
/// call. Measured (`Calibration`), never assumed: `origin` says where and when.
package struct WorkloadCosts: Hashable, Sendable, Codable {
    /// Calls that cost alike.
    package enum Call: String, Hashable, Sendable, CaseIterable, Codable {
        case stat, list, open, create, read, write, sync, close, publish, rename, remove, lock, commit, reload
        case reloadLocal = "reload-local"
        /// A small read out of a large file: the whole chunk is looked up and checked.
        case readPart = "read-part"
        /// The same as before, in the same session.
        case readAgain = "read-again"
        case readPartAgain = "read-part-again"
        case other

        /// What the second part of its cost is counted in.
        package var unit: String { self == .list ? "entry" : "byte" }
    }

    package struct Entry: Hashable, Sendable, Codable {
        package var kind: String
        package var call: Call
        /// Microseconds of each call.
        package var microseconds: Double
        /// Nanoseconds more for each unit: a byte read or written, an entry listed.
        package var nanosecondsPerUnit: Double
        package init(_ kind: FilesystemKind, _ call: Call, microseconds: Double, nanosecondsPerUnit: Double = 0) {
            self.kind = kind.word
            self.call = call
            self.microseconds = microseconds
            self.nanosecondsPerUnit = nanosecondsPerUnit
        }
    }

    package var entries: [Entry]
    /// Where and when it was measured.
    package var origin: String
    package init(entries: [Entry], origin: String) {
        self.entries = entries
        self.origin = origin
    }

    package static let none = WorkloadCosts(entries: [], origin: "none: local time is left out")

    /// What one call costs; nothing where the table has no line for it.
    package func cost(_ kind: FilesystemKind, _ call: Call, units: UInt64) -> Duration {
        guard let entry = entries.first(where: { $0.call == call && $0.kind == kind.word }) else { return .zero }
        let nanoseconds = entry.microseconds * 1_000 + entry.nanosecondsPerUnit * Double(units)
        return .nanoseconds(Int64(max(0, min(nanoseconds, 1e12)).rounded()))
    }

    /// Whether every number is one that a call can cost: up to 100 s, up to 1 ms a unit.
    package var isSound: Bool {
        entries.count <= 200
            && entries.allSatisfy { (0...1e8).contains($0.microseconds) && (0...1e6).contains($0.nanosecondsPerUnit) }
    }
}

/// Bounds of what is a small read out of a large file.
private let partMax: UInt64 = 65_536

/// Follows one session's calls and says which line of the table each belongs to: closing a file that
/// was written stores what was written, a commit publishes what was staged since the last one.
package struct CallMeter: Sendable {
    private var written: [(handle: HandleID, bytes: UInt64)] = []
    private var staged: UInt64 = 0
    private var open: [HandleID: (path: FilePath, size: UInt64)] = [:]  // looked up only
    private var known: Set<Place> = []  // looked up only
    package init() {}

    private struct Place: Hashable {
        var path: FilePath
        var offset: UInt64
    }

    private mutating func read(_ handle: HandleID, _ offset: UInt64, _ length: UInt64) -> WorkloadCosts.Call {
        guard let file = open[handle] else { return .read }
        let isKnown = !known.insert(Place(path: file.path, offset: offset)).inserted
        let isPart = length < partMax && file.size >= 4 * partMax
        return isKnown ? (isPart ? .readPartAgain : .readAgain) : isPart ? .readPart : .read
    }

    /// The call and its units; `payload`: bytes that go with it.
    package mutating func note(_ operation: FileOperation, payload: UInt64, _ value: FileValue) -> (call: WorkloadCosts.Call, units: UInt64)
    {
        switch operation {
        case .stat: return (.stat, 0)
        case .list:
            if case .entries(let entries, _) = value { return (.list, UInt64(entries.count)) }
            return (.list, 0)
        case .open(let path, let mode):
            if case .opened(let handle, let attributes) = value { open[handle] = (path, attributes.size) }
            return (mode == .read || mode == .write ? .open : .create, 0)
        case .read(let handle, let offset, _):
            guard case .data(let length, _) = value else { return (.read, 0) }
            return (read(handle, offset, UInt64(length)), UInt64(length))
        case .write(let handle, _):
            if let place = written.firstIndex(where: { $0.handle == handle }) {
                written[place].bytes += payload
            } else {
                written.append((handle, payload))
            }
            return (.write, payload)
        case .sync(let handle): return (.sync, take(handle))
        case .close(let handle, _):
            open[handle] = nil
            let isWritten = written.contains { $0.handle == handle }
            let bytes = take(handle)
            return isWritten ? (.publish, bytes) : (.close, 0)
        case .rename: return (.rename, 0)
        case .remove: return (.remove, 0)
        case .lock, .unlock: return (.lock, 0)
        case .commit:
            defer { staged = 0 }
            return (.commit, staged)
        case .reload(.latest, _): return (.reload, 0)
        case .reload: return (.reloadLocal, 0)
        default: return (.other, 0)
        }
    }

    private mutating func take(_ handle: HandleID) -> UInt64 {
        guard let place = written.firstIndex(where: { $0.handle == handle }) else { return 0 }
        let bytes = written.remove(at: place).bytes
        staged += bytes
        return bytes
    }
}
