import Chunks

/// The pack files of a store by number; keeps a bounded count of them open for reading.
final class PackFiles: @unchecked Sendable {
    private static let openLimit = 64

    private let directory: String
    private let system: any FileSystem
    private let mutant: StorageMutant?
    private let monitor = Monitor()
    private var open: [(number: UInt64, file: File)] = []

    init(_ directory: String, system: any FileSystem, mutant: StorageMutant? = nil) {
        self.mutant = mutant
        self.directory = directory
        self.system = system
    }

    func path(_ number: UInt64) -> String {
        let digits = String(number)
        return "\(directory)/\(String(repeating: "0", count: max(0, 10 - digits.count)))\(digits).pack"
    }

    /// The numbers of the packs in the directory, rising.
    func numbers() throws(StorageError) -> [UInt64] {
        try system.names(directory).compactMap { $0.hasSuffix(".pack") ? UInt64($0.dropLast(5)) : nil }.sorted()
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
        guard system.exists(name) else { return nil }
        let file = try system.file(name, .read)
        if open.count >= Self.openLimit { open.removeFirst() }
        open.append((number, file))
        return file
    }

    func remove(_ number: UInt64) throws(StorageError) {
        monitor.lock()
        open.removeAll { $0.number == number }
        monitor.unlock()
        try system.remove(path(number))
        try system.syncDirectory(directory)
    }

    /// What a newer program has written is no damage: throws `.newerFormat` for it.
    static func refuseNewer(_ problem: PackProblem, _ path: String) throws(StorageError) {
        guard case .newerVersion(let version) = problem else { return }
        throw .newerFormat(path: path, found: UInt64(version), supported: UInt64(PackHeader.version))
    }

    /// A pack open for appending.
    func writer(_ number: UInt64) throws(StorageError) -> File { try system.file(path(number), .readWrite) }

    /// A new pack with its header; its name is durable, the header becomes so with the first sync.
    func create(_ header: PackHeader) throws(StorageError) -> File {
        let file = try system.file(path(header.number), .create)
        do throws(StorageError) {
            try file.write(header.bytes, at: 0)
            if mutant != .packDirectoryNotSynced { try system.syncDirectory(directory) }
        } catch {
            try? system.remove(file.path)
            throw error
        }
        return file
    }
}
