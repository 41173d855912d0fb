import Filesystem
import Glibc
import Primitives
import Synchronization

// Names: making, removing, renaming, linking.

extension MountedFiles {
    /// Makes an object in one step, its caller's, and answers for it. The number lets the request be repeated where its answer
    /// is lost.
    private func make(_ parent: UInt64, _ name: [UInt8], _ form: NewObject.Form, mode: UInt32, by caller: Caller) async throws(FileFailure)
        -> (value: FileValue, operation: FileOperation)
    {
        let object = NewObject(
            form, mode: mode & 0o7777, owner: caller.user, group: caller.group, verifier: UInt64.random(in: 1 ... .max))
        let operation = FileOperation.make(path: try path(parent, name), object)
        return (try await ask(operation), operation)
    }

    /// A new file, open for writing.
    func makeFile(_ parent: UInt64, _ name: [UInt8], mode: UInt32, by caller: Caller) async throws(FileFailure) -> (
        handle: HandleID, attributes: FileAttributes
    ) {
        let (value, operation) = try await make(parent, name, .file, mode: mode, by: caller)
        guard case .opened(let handle, let attributes) = value else { throw unexpected(operation) }
        return (handle, attributes)
    }

    private func makeEntry(_ parent: UInt64, _ name: [UInt8], _ form: NewObject.Form, mode: UInt32, by caller: Caller)
        async throws(FileFailure) -> Entry
    {
        let (value, operation) = try await make(parent, name, form, mode: mode, by: caller)
        guard case .attributes(let attributes) = value else { throw unexpected(operation) }
        return give(attributes, at: Place(parent: parent, name: name))
    }

    func makeDirectory(_ parent: UInt64, _ name: [UInt8], mode: UInt32, by caller: Caller) async throws(FileFailure) -> Entry {
        try await makeEntry(parent, name, .directory, mode: mode, by: caller)
    }

    func symlink(_ target: [UInt8], _ parent: UInt64, _ name: [UInt8], by caller: Caller) async throws(FileFailure) -> Entry {
        try await makeEntry(parent, name, .symlink(target: target), mode: 0o777, by: caller)
    }

    func makeNode(_ parent: UInt64, _ name: [UInt8], mode: UInt32, device: UInt64, by caller: Caller) async throws(FileFailure) -> Entry {
        guard let type = FileType(bits: mode) else { throw .refused(.invalid, "make node", "no such type of file") }
        guard type == .file else { return try await makeEntry(parent, name, .node(type, device: device), mode: mode, by: caller) }
        let (handle, made) = try await makeFile(parent, name, mode: mode, by: caller)
        try await ask(.close(handle: handle, abandon: false))
        return give(made, at: Place(parent: parent, name: name))
    }

    func link(_ number: UInt64, _ parent: UInt64, _ name: [UInt8]) async throws(FileFailure) -> Entry {
        try await flush(number)
        try await ask(.link(existing: try path(number), new: try path(parent, name)))
        let found = try await attributes(.stat(path: try path(number), followLinks: false))
        return give(found, at: Place(parent: parent, name: name))
    }

    func readLink(_ number: UInt64) async throws(FileFailure) -> [UInt8] {
        let operation = FileOperation.readLink(path: try path(number))
        guard case .link(let target) = try await ask(operation) else { throw unexpected(operation) }
        return target
    }

    // MARK: Removing

    func remove(_ parent: UInt64, _ name: [UInt8]) async throws(FileFailure) {
        let place = Place(parent: parent, name: name)
        if let open = try await openTarget(place) {
            let hidden = Self.hiddenName()
            let directory = try inode(parent)
            try await ask(
                .rename(from: try path(parent, name), to: FilePath(base: directory, components: [hidden]), noReplace: true),
                of: inode(at: place))
            hide(open, directory, hidden)
        } else {
            try await ask(.remove(path: try path(parent, name), recursive: false), of: inode(at: place))
        }
        state.withLock { $0.nodes.drop(place) }
    }

    /// The number of the file of that name where it is open here and this is its last name.
    private func openTarget(_ place: Place) async throws(FileFailure) -> UInt64? {
        let found = state.withLock { state -> Node? in state.nodes.number(at: place).flatMap { state.nodes[$0] } }
        guard let node = found, node.opens > 0, node.hidden == nil else { return nil }
        let now = try await attributes(.stat(path: try path(place.parent, place.name), followLinks: false))
        return now.inode == node.inode && now.type == .file && now.links == 1 ? node.number : nil
    }

    private func hide(_ number: UInt64, _ directory: InodeID, _ name: [UInt8]) {
        state.withLock { state in state.nodes.update(number) { $0.hidden = (directory, name) } }
    }

    private static func hiddenName() -> [UInt8] {
        let digits = String(UInt64.random(in: 0 ... .max), radix: 16)
        return Array((".atoll-open-" + String(repeating: "0", count: 16 - digits.count) + digits).utf8)
    }

    // MARK: Renaming

    func rename(_ from: Place, to: Place, flags: UInt32) async throws(FileFailure) {
        let (noReplace, exchange): (UInt32, UInt32) = (1, 2)
        guard flags == 0 || flags == noReplace || flags == exchange else {
            throw .refused(.invalid, "rename", "it takes no such flag")
        }
        let (source, target) = (try path(from.parent, from.name), try path(to.parent, to.name))
        if flags == exchange {
            try await ask(.exchange(source, target), of: inode(at: from))
            state.withLock { state in
                let (one, other) = (state.nodes.number(at: from), state.nodes.number(at: to))
                state.nodes.drop(from)
                state.nodes.drop(to)
                if let one { state.nodes.move(one, to: to) }
                if let other { state.nodes.move(other, to: from) }
            }
            return
        }
        // A file that is replaced while it is open gets a hidden name first; its name is never without a file.
        let open = flags == noReplace ? nil : try await replacedTarget(to, by: from)
        do throws(FileFailure) {
            try await ask(.rename(from: source, to: target, noReplace: flags == noReplace), of: inode(at: from))
        } catch {
            if let open { await unhide(open) }
            throw error
        }
        state.withLock { state in
            let moved = state.nodes.number(at: from)
            state.nodes.drop(from)
            state.nodes.drop(to)
            if let moved { state.nodes.move(moved, to: to) }
        }
    }

    private func replacedTarget(_ place: Place, by other: Place) async throws(FileFailure) -> UInt64? {
        let open: UInt64?
        do throws(FileFailure) { open = try await openTarget(place) } catch {
            guard error.code == .notFound else { throw error }
            return nil
        }
        guard let open, state.withLock({ $0.nodes.number(at: other) }) != open else { return nil }
        let directory = try inode(place.parent)
        let hidden = Self.hiddenName()
        try await ask(.link(existing: try path(open), new: FilePath(base: directory, components: [hidden])))
        hide(open, directory, hidden)
        return open
    }

    private func unhide(_ number: UInt64) async {
        let hidden = state.withLock { state in
            state.nodes.update(number) { node -> FilePath? in
                defer { node.hidden = nil }
                return node.hidden.map { FilePath(base: $0.directory, components: [$0.name]) }
            } ?? nil
        }
        if let hidden { _ = try? await ask(.remove(path: hidden, recursive: false)) }
    }
}
