import Chunks

/// The pack files of a store by number; keeps a bounded count of them open for reading.
final class PackFiles: @unchecked Sendable {
    private static let openLimit = 64

    private let directory: String
    private let faults: FileFaults
    private let monitor = Monitor()
    private var open: [(number: UInt64, file: File)] = []

    init(_ directory: String, faults: FileFaults) {
        self.directory = directory
        self.faults = faults
    }

    func path(_ number: UInt64) -> String {
        let digits = String(number)
        return "\(directory)/\(String(repeating: "0", count: max(0, 10 - digits.count)))\(digits).pack"
    }

    /// The numbers of the packs in the directory, rising.
    func numbers() throws(StorageError) -> [UInt64] {
        try Directory.names(directory).compactMap { $0.hasSuffix(".pack") ? UInt64($0.dropLast(5)) : nil }.sorted()
    }

    /// A pack open for reading; nil where it does not exist (any more).
    func reader(_ number: UInt64) throws(StorageError) -> File? {
        monitor.lock()
        defer { monitor.unlock() }
        if let place = open.lastIndex(where: { $0.number == number }) {
            let found = open.remove(at: place)
            open.append(found)
            return found.file
        }
        let name = path(number)
        guard Directory.exists(name) else { return nil }
        let file = try File(name, .read, faults: faults)
        if open.count >= Self.openLimit { open.removeFirst() }
        open.append((number, file))
        return file
    }

    func remove(_ number: UInt64) throws(StorageError) {
        monitor.lock()
        open.removeAll { $0.number == number }
        monitor.unlock()
        try Directory.remove(path(number), faults: faults)
        try Directory.sync(directory, faults: faults)
    }

    /// A pack open for appending.
    func writer(_ number: UInt64) throws(StorageError) -> File { try File(path(number), .readWrite, faults: faults) }

    /// A new pack with its header; its name is durable, the header becomes so with the first sync.
    func create(_ header: PackHeader) throws(StorageError) -> File {
        let file = try File(path(header.number), .create, faults: faults)
        do throws(StorageError) {
            try file.write(header.bytes, at: 0)
            try Directory.sync(directory, faults: faults)
        } catch {
            try? Directory.remove(file.path, faults: faults)
            throw error
        }
        return file
    }
}
