import Filesystem
import Primitives

/// A file system as simple as can be (IEEE Std 1003.1-2024, XBD 4.16 and the pages of the functions): nodes by number,
/// contents as bytes, no index, no log. It shares nothing with `Namespace`.
struct POSIXModel {
    struct Node {
        var type: FileType
        var mode: UInt32
        var bytes: [UInt8] = []
        var children: [String: Int] = [:]  // looked up and sorted only
        var xattrs: [String: [UInt8]] = [:]  // looked up and sorted only
        var links: UInt32 = 1
        /// Set by a call, and by nothing since.
        var modified: Int64?
    }

    struct Refusal: Error { let codes: [FileFailure.Code] }

    private var nodes: [Int: Node] = [1: Node(type: .directory, mode: 0o755, links: 2)]  // looked up only
    private var next = 2
    /// Files that clients keep open; looked up only.
    private var held: [Int: Int] = [:]
    private static let symlinksMax = 40

    // MARK: Paths

    private func parts(_ path: String) -> [String] { path.split(separator: "/").map(String.init) }

    private func refuse(_ codes: FileFailure.Code...) -> Refusal { Refusal(codes: codes) }

    private func walk(_ names: [String], from start: Int, followLast: Bool, _ symlinks: inout Int) throws(Refusal) -> Int {
        var here = start
        for (place, name) in names.enumerated() {
            guard nodes[here]!.type == .directory else { throw refuse(.notDirectory) }
            guard let child = nodes[here]!.children[name] else { throw refuse(.notFound) }
            guard nodes[child]!.type == .symlink, followLast || place < names.count - 1 else {
                here = child
                continue
            }
            symlinks += 1
            guard symlinks <= Self.symlinksMax else { throw refuse(.tooManySymlinks) }
            let target = String(decoding: nodes[child]!.bytes, as: UTF8.self)
            here = try walk(parts(target), from: target.hasPrefix("/") ? 1 : here, followLast: true, &symlinks)
        }
        return here
    }

    private func find(_ path: String, follow: Bool) throws(Refusal) -> Int {
        var symlinks = 0
        return try walk(parts(path), from: 1, followLast: follow, &symlinks)
    }

    /// The directory of a path's last name.
    private func place(_ path: String) throws(Refusal) -> (directory: Int, name: String) {
        let parts = parts(path)
        guard let name = parts.last else { throw refuse(.exists, .invalid, .busy, .notPermitted) }
        var symlinks = 0
        let directory = try walk(Array(parts.dropLast()), from: 1, followLast: true, &symlinks)
        guard nodes[directory]!.type == .directory else { throw refuse(.notDirectory) }
        return (directory, name)
    }

    /// A file and the place for a new name of it; where neither can be found, either may be told.
    private func both(
        _ body: (POSIXModel) throws(Refusal) -> Int, _ path: String
    ) throws(Refusal) -> (id: Int, place: (directory: Int, name: String)) {
        var codes: [FileFailure.Code] = []
        var id: Int?
        var target: (directory: Int, name: String)?
        do throws(Refusal) { id = try body(self) } catch { codes += error.codes }
        do throws(Refusal) { target = try place(path) } catch { codes += error.codes }
        guard let id, let target else { throw Refusal(codes: codes) }
        return (id, target)
    }

    private func child(_ place: (directory: Int, name: String)) -> Int? { nodes[place.directory]!.children[place.name] }

    private func file(_ path: String) throws(Refusal) -> Int {
        let id = try find(path, follow: true)
        switch nodes[id]!.type {
        case .file: return id
        case .directory: throw refuse(.isDirectory)
        default: throw refuse(.invalid)
        }
    }

    private func isInside(_ id: Int, _ top: Int) -> Bool {
        id == top || nodes[top]!.children.values.contains { nodes[$0]!.type == .directory && isInside(id, $0) }
    }

    // MARK: Calls

    /// Whether a call says anything to this model: not of files that nobody holds, and not of a file that is to be made
    /// through a symlink that leads nowhere, which front ends do each in their own way.
    func makesSense(_ call: POSIXCall) -> Bool {
        switch call.kind {
        case .readHeld(let slot), .writeHeld(let slot, _, _, _), .release(let slot): held[slot] != nil
        case .hold(_, let slot): held[slot] == nil
        case .create(let path, exclusive: false):
            if let place = try? place(path), let id = child(place), nodes[id]!.type == .symlink {
                (try? find(path, follow: true)) != nil
            } else {
                true
            }
        default: true
        }
    }

    mutating func perform(_ call: POSIXCall) -> POSIXExpectation {
        let before = self
        do throws(Refusal) { return .answer(try execute(call.kind)) } catch {
            self = before
            return .failure(error.codes)
        }
    }

    private mutating func execute(_ kind: POSIXCall.Kind) throws(Refusal) -> POSIXAnswer {
        switch kind {
        case .create(let path, let exclusive): try create(path, exclusive: exclusive)
        case .write(let path, let offset, let length, let tag):
            let id = try file(path)
            put(POSIXCall.bytes(tag, length), at: offset ?? nodes[id]!.bytes.count, in: id)
        case .read(let path): return .bytes(nodes[try file(path)]!.bytes)
        case .truncate(let path, let size): resize(try file(path), to: size)
        case .makeDirectory(let path):
            let place = try place(path)
            guard child(place) == nil else { throw refuse(.exists) }
            add(Node(type: .directory, mode: 0o755, links: 2), at: place)
        case .remove(let path): try remove(path)
        case .rename(let from, let to, let noReplace): try rename(from, to, noReplace: noReplace)
        case .link(let old, let new): try link(old, new)
        case .symlink(let target, let path):
            let place = try place(path)
            guard child(place) == nil else { throw refuse(.exists) }
            add(Node(type: .symlink, mode: 0o777, bytes: Array(target.utf8)), at: place)
        case .readLink(let path):
            let node = nodes[try find(path, follow: false)]!
            guard node.type == .symlink else { throw refuse(.invalid) }
            return .bytes(node.bytes)
        case .stat(let path, let follow): return .attributes(attributes(try find(path, follow: follow)))
        case .list(let path):
            let node = nodes[try find(path, follow: true)]!
            guard node.type == .directory else { throw refuse(.notDirectory) }
            return .names(node.children.keys.sorted())
        case .setMode(let path, let mode): nodes[try find(path, follow: true)]!.mode = mode
        case .setModified(let path, let time): nodes[try find(path, follow: true)]!.modified = time
        case .setXattr, .getXattr, .removeXattr, .listXattrs: return try xattr(kind)
        case .hold(let path, let slot): held[slot] = try file(path)
        case .readHeld(let slot): return .bytes(nodes[held[slot]!]!.bytes)
        case .writeHeld(let slot, let offset, let length, let tag): put(POSIXCall.bytes(tag, length), at: offset, in: held[slot]!)
        case .release(let slot):
            let id = held.removeValue(forKey: slot)!
            drop(id)
        }
        return .done
    }

    private func attributes(_ id: Int) -> POSIXAnswer.Attributes {
        let node = nodes[id]!
        return POSIXAnswer.Attributes(
            type: node.type, mode: node.mode, links: node.links, size: node.type == .directory ? nil : node.bytes.count,
            modified: node.modified)
    }

    private mutating func xattr(_ kind: POSIXCall.Kind) throws(Refusal) -> POSIXAnswer {
        switch kind {
        case .setXattr(let path, let name, let tag): nodes[try find(path, follow: true)]!.xattrs[name] = POSIXCall.bytes(tag, 9)
        case .getXattr(let path, let name):
            guard let value = nodes[try find(path, follow: true)]!.xattrs[name] else { throw refuse(.noData) }
            return .bytes(value)
        case .removeXattr(let path, let name):
            guard nodes[try find(path, follow: true)]!.xattrs.removeValue(forKey: name) != nil else { throw refuse(.noData) }
        case .listXattrs(let path): return .names(nodes[try find(path, follow: true)]!.xattrs.keys.sorted())
        default: break
        }
        return .done
    }

    // MARK: Changes

    private mutating func add(_ node: Node, at place: (directory: Int, name: String)) {
        nodes[next] = node
        attach(next, at: place)
        next += 1
    }

    private mutating func attach(_ id: Int, at place: (directory: Int, name: String)) {
        nodes[place.directory]!.children[place.name] = id
        nodes[place.directory]!.modified = nil
        if nodes[id]!.type == .directory { nodes[place.directory]!.links += 1 }
    }

    private mutating func detach(_ id: Int, at place: (directory: Int, name: String)) {
        nodes[place.directory]!.children[place.name] = nil
        nodes[place.directory]!.modified = nil
        if nodes[id]!.type == .directory { nodes[place.directory]!.links -= 1 }
    }

    private mutating func create(_ path: String, exclusive: Bool) throws(Refusal) {
        let place = try place(path)
        guard let found = child(place) else { return add(Node(type: .file, mode: 0o644), at: place) }
        if exclusive { throw refuse(.exists) }
        // O_CREAT follows a symlink at the end, O_EXCL does not.
        let id = nodes[found]!.type == .symlink ? try find(path, follow: true) : found
        guard nodes[id]!.type != .directory else { throw refuse(.isDirectory) }
    }

    private mutating func put(_ bytes: [UInt8], at offset: Int, in id: Int) {
        guard !bytes.isEmpty else { return }
        resize(id, to: max(nodes[id]!.bytes.count, offset + bytes.count))
        nodes[id]!.bytes.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }

    private mutating func resize(_ id: Int, to size: Int) {
        let count = nodes[id]!.bytes.count
        nodes[id]!.modified = nil
        if size < count {
            nodes[id]!.bytes.removeLast(count - size)
        } else {
            nodes[id]!.bytes += [UInt8](repeating: 0, count: size - count)
        }
    }

    /// A node goes with its last name, unless somebody holds it open.
    private mutating func drop(_ id: Int) {
        if nodes[id]!.links == 0, !held.values.contains(id) { nodes[id] = nil }
    }

    private mutating func unlink(_ id: Int, at place: (directory: Int, name: String)) {
        detach(id, at: place)
        nodes[id]!.links = nodes[id]!.type == .directory ? 0 : nodes[id]!.links - 1
        drop(id)
    }

    private mutating func remove(_ path: String) throws(Refusal) {
        let place = try place(path)
        guard let id = child(place) else { throw refuse(.notFound) }
        guard nodes[id]!.children.isEmpty else { throw refuse(.notEmpty) }
        unlink(id, at: place)
    }

    private mutating func link(_ old: String, _ new: String) throws(Refusal) {
        let (id, place) = try both(
            { (model) throws(Refusal) in
                let id = try model.find(old, follow: false)
                guard model.nodes[id]!.type != .directory else { throw model.refuse(.notPermitted, .exists) }
                return id
            }, new)
        guard child(place) == nil else { throw refuse(.exists) }
        attach(id, at: place)
        nodes[id]!.links += 1
    }

    private mutating func rename(_ from: String, _ to: String, noReplace: Bool) throws(Refusal) {
        let (id, target) = try both(
            { (model) throws(Refusal) in
                guard let id = model.child(try model.place(from)) else { throw model.refuse(.notFound) }
                return id
            }, to)
        let source = try place(from)
        let existing = child(target)
        if existing == id, !noReplace { return }
        var codes: [FileFailure.Code] = []
        if existing != nil, noReplace { codes.append(.exists) }
        if nodes[id]!.type == .directory, isInside(target.directory, id) { codes.append(.invalid) }
        if let existing {
            let (isDirectory, wasDirectory) = (nodes[id]!.type == .directory, nodes[existing]!.type == .directory)
            if isDirectory, !wasDirectory { codes.append(.notDirectory) }
            if !isDirectory, wasDirectory { codes.append(.isDirectory) }
            if !nodes[existing]!.children.isEmpty { codes.append(.notEmpty) }
        }
        guard codes.isEmpty else { throw Refusal(codes: codes) }
        if let existing { unlink(existing, at: target) }
        detach(id, at: source)
        attach(id, at: target)
    }
}
