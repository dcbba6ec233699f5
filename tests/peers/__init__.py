"""Other people's implementations, run by Node: npm packages pinned in package-lock.json, test peers only.

A test asks for the fixture `node` and runs a program of this folder, many cases in one process:

    answers = node.run("openid4vp.mjs", [{"case": …}, …])

A program is `serve(async (request) => answer)` of `program.mjs`; it finds the packages because it lies beside them.
"""
