import Filesystem
import Primitives
import Workloads

/// Grants every step, except those named to fail (`rename`, or `rename#2` for the second only, or a
/// share by seed), and checks that handles are used as handles must be.
struct Responder {
    var fails: [String] = []
    var failShare: (share: Double, generator: SeededGenerator)?
    private var counts: [String: Int] = [:]
    private var open: Set<UInt64> = []
    private var nextHandle: UInt64 = 0
    private(set) var session = false
    private(set) var misuse: [String] = []
    var isVolume = false

    init(fails: [String] = [], failShare: (share: Double, generator: SeededGenerator)? = nil) {
        self.fails = fails
        self.failShare = failShare
    }

    var openHandles: Int { open.count }

    mutating func answer(_ step: WorkloadStep) -> StepResult {
        switch step {
        case .openSession:
            session = true
            return .sessionOpened
        case .closeSession:
            session = false
            open = []
            return .sessionClosed
        case .pause: return .paused
        case .finished: return .sessionClosed
        case .perform(let operation, let payload): return perform(operation, payload)
        }
    }

    private mutating func perform(_ operation: FileOperation, _ payload: Payload?) -> StepResult {
        if !session { misuse.append("an operation without a session") }
        let name = String("\(operation)".prefix { $0.isLetter })
        counts[name, default: 0] += 1
        var value = FileValue.done
        switch operation {
        case .open:
            if failure(name) == nil {
                nextHandle += 1
                open.insert(nextHandle)
            }
            let time = WallTime(nanoseconds: 0)
            value = .opened(
                HandleID(nextHandle),
                FileAttributes(
                    inode: .root, type: .file, mode: 0, links: 1, owner: 0, group: 0, size: 0, accessed: time, modified: time,
                    changed: time,
                    changeID: 0))
        case .read(let handle, _, let length):
            check(handle, name)
            value = .data(length: length, endOfFile: false)
        case .write(let handle, _):
            check(handle, name)
            if payload == nil { misuse.append("a write without a payload") }
            value = .written(length: payload?.length ?? 0)
        case .sync(let handle), .lock(let handle, _, _, _), .unlock(let handle, _): check(handle, name)
        case .close(let handle, _):
            check(handle, name)
            open.remove(handle.rawValue)
        default: break
        }
        let failed = failure(name) ?? drawn(name)
        // An open that is drawn to fail after all gives no handle.
        if failed != nil, case .open = operation { open.remove(nextHandle) }
        return failed.map { .failed($0) }
            ?? .done(FileOutcome(value: value, cost: OperationCost(wideAreaRoundTrips: 1, wideAreaBytes: 100)))
    }

    private mutating func check(_ handle: HandleID, _ name: String) {
        if !open.contains(handle.rawValue) { misuse.append("\(name) of handle \(handle.rawValue), which is not open") }
    }

    private func failure(_ name: String) -> FileFailure? {
        let number = counts[name] ?? 0
        guard fails.contains(name) || fails.contains("\(name)#\(number)") else { return nil }
        return FileFailure(.unavailable, operation: name, object: "x", cause: "no leader")
    }

    private mutating func drawn(_ name: String) -> FileFailure? {
        guard failShare != nil, let share = failShare?.share, let draw = failShare?.generator.unit(), draw < share else { return nil }
        return FileFailure(.timedOut, operation: name, object: "x", cause: "drawn")
    }
}
