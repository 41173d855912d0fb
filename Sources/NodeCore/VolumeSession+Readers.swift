import Filesystem
import Namespace
import Primitives
import Replication

// Files that are open for reading while their session moves to another version, of sessions that keep numbers: mounts. A
// kernel has one size and one set of pages for a number. So a file that the new version holds unchanged goes on under its
// number, and its readers see what this session writes to it; one that has changed gets a fresh number for what it
// is now, and its old number, with the readers, keeps the old snapshot until the last of them is closed.

extension VolumeSession {
    /// What an old number stands for.
    struct Retired {
        let tree: NamespaceTree
        let inode: InodeID
    }

    /// Called once `staged` is on the new version; `before` is the tree that was read until then.
    mutating func keepReaders(before: NamespaceTree) {
        guard numbers != nil else { return }
        for id in handles.keys {
            guard let handle = handles[id], !handle.isWritable, !handle.isRetired, let inode = handle.inode, let shown = handle.shown else {
                continue
            }
            let current = numbers!.now(shown)
            if retired[shown] == nil, before.holdsSame(inode, as: current, in: staged.tree) {
                _ = handles.update(id) { $0.inode = current }
                continue
            }
            _ = handles.update(id) {
                $0.pinned = before
                $0.isRetired = true
            }
            guard retired[shown] == nil else { continue }
            retired[shown] = Retired(tree: before, inode: inode)
            numbers!.retire(shown)
        }
    }

    /// Old numbers whose last reader is gone are forgotten.
    mutating func forgetRetired() {
        guard !retired.isEmpty else { return }
        let used = Set(handles.compactMap { $0.value.isRetired ? $0.value.shown : nil })
        for number in retired.keys where !used.contains(number) { _ = retired.remove(number) }
    }

    /// An operation on an object that lives on in the past only: its attributes are told, anything else is stale. Nil
    /// where it is about none of these.
    func answerOfThePast(_ operation: FileOperation) throws(Interrupt) -> FileValue? {
        guard !retired.isEmpty else { return nil }
        for path in operation.paths {
            guard let past = retired[path.base] else { continue }
            if case .stat = operation, path.components.isEmpty, var attributes = try? past.tree.file(past.inode) {
                attributes.inode = path.base
                return .attributes(attributes)
            }
            throw .failure(
                FileFailure(
                    .stale, operation: operation.name, object: operation.object, cause: "it is as it was before the session moved on",
                    hint: "look its name up again"))
        }
        return nil
    }
}
