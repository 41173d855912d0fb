import Foundation
import Primitives
import Storage
import Synchronization

/// A directory that goes with the test.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "atoll-storage-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func names(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path + "/" + folder).sorted()
    }
    func bytes(_ file: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path + "/" + file))) }
    func write(_ bytes: [UInt8], to file: String) throws { try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + file)) }
    func remove(_ file: String) throws { try FileManager.default.removeItem(atPath: path + "/" + file) }
    func flip(_ file: String, at offset: Int) throws {
        var content = try bytes(file)
        content[offset] ^= 0x40
        try write(content, to: file)
    }
    func truncate(_ file: String, to length: Int) throws { try write(Array(try bytes(file).prefix(length)), to: file) }
    func copy() throws -> Scratch {
        let other = try Scratch()
        try FileManager.default.removeItem(atPath: other.path)
        try FileManager.default.copyItem(atPath: path, toPath: other.path)
        return other
    }
}

/// Faults that a test switches on and off.
final class Saboteur: Sendable {
    private let rule = Mutex<(@Sendable (FileOperation) -> FileVerdict)?>(nil)

    var system: FileFaults {
        FileFaults { operation in self.rule.withLock { $0 }?(operation) ?? .proceed }
    }
    func set(_ new: (@Sendable (FileOperation) -> FileVerdict)?) { rule.withLock { $0 = new } }

    /// Writes to files whose names end like this fail; the first `after` bytes of each go through.
    func fillDisk(_ suffix: String = "", after: Int? = nil) {
        set { operation in
            guard case .write(let path, _, _) = operation, path.hasSuffix(suffix) else { return .proceed }
            return after.map { .tear(after: $0, errno: ENOSPC) } ?? .fail(errno: ENOSPC)
        }
    }
    func failSyncs(_ suffix: String) {
        set { operation in
            if case .sync(let path) = operation, path.hasSuffix(suffix) { return .fail(errno: EIO) }
            return .proceed
        }
    }
}

enum Sample {
    static func random(_ seed: UInt64, _ count: Int) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        while bytes.count < count { withUnsafeBytes(of: generator.next().littleEndian) { bytes.append(contentsOf: $0) } }
        return Array(bytes.prefix(count))
    }
    static func text(_ seed: UInt64, _ count: Int) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        let words = ["lagoon ", "island ", "reef ", "tide ", "atoll ", "\n"]
        var bytes: [UInt8] = []
        while bytes.count < count { bytes += Array(words[generator.below(words.count)].utf8) }
        return Array(bytes.prefix(count))
    }

    static var smallStore: ChunkStoreOptions {
        var options = ChunkStoreOptions()
        options.packSize = 16 << 10
        options.cacheBytes = 0
        options.reserveBytes = 0
        return options
    }
    static let identity = StorageIdentity(cluster: ClusterID(high: 1, low: 2), node: NodeID(3))
}

/// The error of a call that must throw one.
func storageError(_ body: () throws -> Void) -> StorageError? {
    do {
        try body()
        return nil
    } catch { return error as? StorageError }
}

/// Runs the body on as many threads at once and waits for all of them.
func concurrently(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let done = DispatchSemaphore(value: 0)
    for number in 0..<count {
        Thread {
            body(number)
            done.signal()
        }.start()
    }
    for _ in 0..<count { done.wait() }
}
