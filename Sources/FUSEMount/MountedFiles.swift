package import Filesystem
import Glibc
import NIOCore
package import Primitives
import Synchronization

/// An object as the kernel is given it: its number with the mount, and its attributes.
struct Entry {
    var number: UInt64
    var attributes: FileAttributes
}

/// Who asks, of a request.
struct Caller {
    var user: UInt32
    var group: UInt32
}

/// What a mount means: the kernel's requests, by its own numbers of objects and open files, carried out through the seam.
/// It knows of FUSE only that there are such numbers.
///
/// *Writing.* All open files of an object write through one handle of the session, since the seam shows what was written
/// through a handle to others only when it is flushed. Reads of an object that has such writes go through that handle too;
/// attributes are told with the end and the time of those writes on top. Whoever closes, syncs, sets attributes or
/// gives a lock back flushes first, so that nothing is overtaken by a late write.
///
/// *Removed while open.* The last name of an open file is not removed but becomes a hidden one until the last close, as
/// NFS clients do it: the seam, like NFSv4, knows no removed files that live on.
package final class MountedFiles: Sendable {
    struct State {
        var nodes: NodeTable
        var files: [UInt64: OpenFile] = [:]
        var directories: [UInt64: OpenDirectory] = [:]
        /// The handles of the session that stand for owners of locks.
        var lockers: [LockKey: HandleID] = [:]
        var nextOpen: UInt64 = 1
    }

    struct OpenFile {
        var node: UInt64
        /// Nil where it goes through the object's writer.
        var reader: HandleID?
        var writes: Bool
    }

    let endpoint: any FileEndpoint
    let options: MountOptions
    let state: Mutex<State>
    /// Tells the kernel that what it keeps of an object is old; set while the mount is served.
    let notify = Mutex<(@Sendable (UInt64, Staleness) async -> Void)?>(nil)

    enum Staleness { case attributes, content }

    package init(endpoint: any FileEndpoint, options: MountOptions) {
        self.endpoint = endpoint
        self.options = options
        state = Mutex(State(nodes: NodeTable(root: options.root)))
    }

    // MARK: The seam

    @discardableResult
    func ask(_ operation: FileOperation, of object: InodeID? = nil) async throws(FileFailure) -> FileValue {
        try await endpoint.perform(operation, payload: nil, object: object).value
    }

    func attributes(_ operation: FileOperation) async throws(FileFailure) -> FileAttributes {
        guard case .attributes(let attributes) = try await ask(operation) else { throw unexpected(operation) }
        return attributes
    }

    func unexpected(_ operation: FileOperation) -> FileFailure {
        FileFailure(.ioError, operation: operation.name, object: operation.object, cause: "the node gave another answer")
    }

    // MARK: Numbers

    func inode(_ number: UInt64) throws(FileFailure) -> InodeID {
        guard let node = state.withLock({ $0.nodes[number] }) else {
            throw .refused(.stale, "use", "the kernel's number \(number) is not known to this mount")
        }
        return node.inode
    }

    /// The object itself.
    func path(_ number: UInt64) throws(FileFailure) -> FilePath { FilePath(base: try inode(number), components: []) }

    /// A name in a directory.
    func path(_ parent: UInt64, _ name: [UInt8]) throws(FileFailure) -> FilePath {
        FilePath(base: try inode(parent), components: [name])
    }

    /// Gives the object to the kernel, with what is not written yet.
    func give(_ attributes: FileAttributes, at place: Place?) -> Entry {
        state.withLock { state in
            let number = state.nodes.give(attributes.inode, at: place)
            state.nodes.update(number) { $0.toldChange = attributes.changeID }
            return Entry(number: number, attributes: Self.told(attributes, state.nodes[number]))
        }
    }

    /// Attributes as programs on this machine must see them.
    static func told(_ attributes: FileAttributes, _ node: Node?) -> FileAttributes {
        guard let node else { return attributes }
        var told = attributes
        if let pending = node.pending {
            told.size = max(told.size, pending.end)
            told.modified = pending.time
            told.changed = max(told.changed, pending.time)
        }
        if node.hidden != nil, told.links > 0 { told.links -= 1 }
        return told
    }

    /// The object at a name, where it is known here.
    func inode(at place: Place) -> InodeID? {
        state.withLock { state in state.nodes.number(at: place).flatMap { state.nodes[$0]?.inode } }
    }

    /// Where an object is, by the names that the kernel knows; nil where it knows none.
    package func path(of inode: InodeID) -> FilePath? {
        state.withLock { state in
            guard let number = state.nodes.number(of: inode) else { return nil }
            // Removed while it is open: under the name that it has until the last close.
            if let hidden = state.nodes[number]?.hidden {
                guard let directory = state.nodes.number(of: hidden.directory), let names = state.nodes.names(directory) else { return nil }
                return FilePath(base: options.root, components: names + [hidden.name])
            }
            guard let names = state.nodes.names(number) else { return nil }
            return FilePath(base: options.root, components: names)
        }
    }

    package func forget(_ number: UInt64, _ count: UInt64) { state.withLock { $0.nodes.forget(number, count) } }

    /// Files and directories that programs have open.
    package var openCount: Int { state.withLock { $0.files.count + $0.directories.count } }

    // MARK: Attributes

    func lookup(_ parent: UInt64, _ name: [UInt8]) async throws(FileFailure) -> Entry {
        let place = Place(parent: parent, name: name)
        do throws(FileFailure) {
            return give(try await attributes(.stat(path: try path(parent, name), followLinks: false)), at: place)
        } catch {
            if error.code == .notFound { state.withLock { $0.nodes.drop(place) } }
            throw error
        }
    }

    func status(_ number: UInt64) async throws(FileFailure) -> FileAttributes {
        let attributes = try await attributes(.stat(path: try path(number), followLinks: false))
        return tell(attributes, of: number)
    }

    private func tell(_ attributes: FileAttributes, of number: UInt64) -> FileAttributes {
        state.withLock { state in
            state.nodes.update(number) { $0.toldChange = attributes.changeID }
            return Self.told(attributes, state.nodes[number])
        }
    }

    func change(_ number: UInt64, _ changes: AttributeChanges) async throws(FileFailure) -> FileAttributes {
        // What was written before must not change size or times afterwards.
        try await flush(number)
        var changes = changes
        changes.followsLinks = false
        let attributes = try await attributes(.setAttributes(path: try path(number), changes: changes))
        state.withLock { state in state.nodes.update(number) { $0.cachedChange = nil } }
        return tell(attributes, of: number)
    }

    func statistics() async throws(FileFailure) -> FilesystemStatistics {
        guard case .statistics(let statistics) = try await ask(.statistics) else { throw unexpected(.statistics) }
        return statistics
    }

    // MARK: The whole

    /// What programs have written reaches the file system; the session is not ended.
    package func flushAll() async throws(FileFailure) {
        // In the order of the table, which does not matter: each file stands for itself.
        let dirty = state.withLock { $0.nodes.nodes.values.filter { $0.pending != nil }.map(\.number) }
        for number in dirty { try await flush(number) }
    }

    /// Publishes what is staged, of a volume; nothing else has commits.
    @discardableResult
    package func commit(_ message: String) async throws(FileFailure) -> CommitReceipt? {
        try await flushAll()
        guard options.kind == .volume, !options.readOnly else { return nil }
        let operation = FileOperation.commit(CommitOptions(message: message))
        guard case .receipt(let receipt) = try await ask(operation) else { throw unexpected(operation) }
        return receipt
    }
}
