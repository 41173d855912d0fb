import Filesystem
import Primitives

/// A group of names of a network file system: a directory that clients make when they first need it. Once several changes in it
/// went unanswered the next number takes its place, so that few orders have to be tried.
struct NamesGroup: Hashable {
    let filesystem: Int
    let place: Int
    let number: Int

    var path: FilePath { FilePath("n\(place)-\(number)")! }
    static let fileNames = ["a", "b"]
    static let directoryNames = ["d", "f"]
}

/// What a client does with a group of names, one step after the other. Directories within it are named by the numbers that the
/// client was just told, as a kernel names them that has walked a path.
struct NamesJob {
    enum Action: Hashable {
        case create, read, append, overwrite, truncate, link, unlink, exchange
        case rename(noReplace: Bool)
        case makeDirectory, removeDirectory, exchangeDirectories, list, listDirectory
        case renameDirectory(noReplace: Bool)
    }

    enum Step: Hashable {
        case makeGroup
        /// Asks for the number of the first, or the second, directory that is named.
        case find(Int)
        /// A mutant's: the name that is to be replaced is removed first.
        case removeTarget
        case open, read, write, stat, act, close
    }

    /// A file's name: 0 and 1 are `a` and `b`, 2 and 3 `e` in `d` and in `f`. Of directories 0 and 1.
    struct Spot: Hashable {
        let index: Int
        /// The number of `d` or `f`, once it is known.
        var directory: UInt64?
    }

    let group: NamesGroup
    let action: Action
    var spots: [Spot]
    private(set) var steps: [Step]
    /// When the step was begun; of a read when its file was opened.
    var began: Int64 = 0
    var openedAt: Int64 = 0
    /// Of the file that is open or looked at.
    var file: UInt64 = 0
    var size: UInt64 = 0
    var handle = HandleID(0)
    /// Where it writes, or how long the file becomes: given as a share of its size, in percent, until that is known.
    var offset: UInt64 = 0
    let share: UInt64
    /// What it writes.
    let tag: UInt64
    let length: UInt64

    init(_ group: NamesGroup, _ action: Action, _ spots: [Int], makesGroup: Bool, splits: Bool, share: UInt64, tag: UInt64, length: UInt64)
    {
        self.group = group
        self.action = action
        self.spots = spots.map { Spot(index: $0) }
        (self.share, self.tag, self.length) = (share, tag, length)
        steps = makesGroup ? [.makeGroup] : []
        if !Self.namesDirectories(action) {
            for (which, spot) in spots.enumerated() where spot > 1 { steps.append(.find(which)) }
        }
        switch action {
        case .create: steps += [.open, .close]
        case .read: steps += [.open, .read, .close]
        case .append, .overwrite: steps += [.open, .write, .close]
        case .truncate, .link: steps += [.stat, .act]
        case .listDirectory: steps += [.find(0), .act]
        case .rename(noReplace: false): steps += splits ? [.removeTarget, .act] : [.act]
        default: steps.append(.act)
        }
    }

    private static func namesDirectories(_ action: Action) -> Bool {
        switch action {
        case .makeDirectory, .removeDirectory, .renameDirectory, .exchangeDirectories, .list, .listDirectory: true
        default: false
        }
    }

    var step: Step? { steps.first }
    mutating func goOn() { steps.removeFirst() }

    /// The step changes something, and is recorded as such.
    var isChange: Bool {
        switch (action, step) {
        case (.create, .open), (.append, .close), (.overwrite, .close), (.truncate, .act), (.link, .act): true
        case (.list, _), (.listDirectory, _): false
        case (_, .act): true
        default: false
        }
    }

    // MARK: What is asked

    private func path(_ which: Int) -> FilePath {
        let spot = spots[which]
        guard spot.index > 1, !Self.namesDirectories(action) else {
            let names = Self.namesDirectories(action) ? NamesGroup.directoryNames : NamesGroup.fileNames
            return group.path.appending(Array(names[spot.index].utf8))
        }
        return FilePath(base: InodeID(spot.directory ?? 0), components: [Array("e".utf8)])
    }

    private func directoryPath(_ which: Int) -> FilePath {
        group.path.appending(Array(NamesGroup.directoryNames[directory(which)].utf8))
    }

    func directory(_ which: Int) -> Int { Self.namesDirectories(action) ? spots[which].index : spots[which].index - 2 }

    private func place(_ which: Int) -> NamesPlace {
        let spot = spots[which]
        return spot.index > 1 ? .inside(spot.directory ?? 0) : .top(spot.index)
    }

    var isWriting: Bool { step == .write }

    /// Nil when it is done.
    var next: FileOperation? {
        switch step {
        case .makeGroup: .makeDirectory(path: group.path, mode: 0o755, parents: true)
        case .find(let which): .stat(path: directoryPath(which), followLinks: false)
        case .removeTarget: .remove(path: path(1), recursive: false)
        case .open:
            switch action {
            case .create: .open(path: path(0), mode: .create(mode: 0o644, exclusive: true, truncate: false))
            case .read: .open(path: path(0), mode: .read)
            default: .open(path: path(0), mode: .write)
            }
        case .read: .read(handle: handle, offset: 0, length: UInt32(clamping: max(1, size)))
        case .write: .write(handle: handle, offset: action == .append ? .max : offset)
        case .stat: .stat(path: path(0), followLinks: false)
        case .close: .close(handle: handle, abandon: false)
        case .act: actNext
        case nil: nil
        }
    }

    private var object: FilePath { FilePath(base: InodeID(file), components: []) }

    private var actNext: FileOperation? {
        switch action {
        case .truncate: .setAttributes(path: object, changes: AttributeChanges(size: offset))
        case .link: .link(existing: object, new: path(1))
        case .rename(let noReplace), .renameDirectory(let noReplace): .rename(from: path(0), to: path(1), noReplace: noReplace)
        case .exchange, .exchangeDirectories: .exchange(path(0), path(1))
        case .unlink, .removeDirectory: .remove(path: path(0), recursive: false)
        case .makeDirectory: .makeDirectory(path: path(0), mode: 0o755, parents: false)
        case .list: .list(path: group.path, cookie: 0, limit: 100)
        case .listDirectory: .list(path: FilePath(base: InodeID(spots[0].directory ?? 0), components: []), cookie: 0, limit: 100)
        case .create, .read, .append, .overwrite: nil
        }
    }

    /// What the step is to the model; nil where it says nothing.
    var call: NamesOperation.Call? {
        switch step {
        case .find(let which): .lookDirectory(directory(which))
        case .open: action == .create ? .create(place(0)) : .look(place(0))
        case .stat: .look(place(0))
        case .read: .read(file, length: size)
        case .close: action == .append || action == .overwrite ? .put(file, offset: offset, tag: tag, length: length) : nil
        case .act: actCall
        case .makeGroup, .removeTarget, .write, nil: nil
        }
    }

    private var actCall: NamesOperation.Call? {
        switch action {
        case .truncate: .resize(file, offset)
        case .link: .link(file, place(1))
        case .rename(let noReplace): .rename(place(0), place(1), noReplace: noReplace)
        case .exchange: .exchange(place(0), place(1))
        case .unlink: .unlink(place(0))
        case .makeDirectory: .makeDirectory(spots[0].index)
        case .removeDirectory: .removeDirectory(spots[0].index)
        case .renameDirectory(let noReplace): .renameDirectory(spots[0].index, noReplace: noReplace)
        case .exchangeDirectories: .exchangeDirectories
        case .list: .list
        case .listDirectory: .listDirectory(spots[0].directory ?? 0)
        case .create, .read, .append, .overwrite: nil
        }
    }

    /// The file as it was told: from it on the client knows where it writes.
    mutating func found(_ attributes: FileAttributes) {
        file = attributes.inode.rawValue
        size = attributes.size
        offset = action == .append ? size : size * share / 100
    }

    /// The directory of a step as it was told; the step itself.
    mutating func found(directory number: UInt64, _ which: Int) { spots[which].directory = number }
}
