/* SPDX-License-Identifier: MIT */
/*
 * Not a program: a C++ extension module for python3, whose interpreter has no libstdc++ in its global
 * scope. work(n) makes n strings and throws and catches; a negative n throws out to the interpreter.
 * A perfect report names module_leak for 2 unfreed blocks of 96 bytes after a call of work().
 */
/* build: -O0 -shared -fPIC $(/usr/bin/python3-config --includes) -Wno-missing-field-initializers */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdexcept>
#include <string>
#include <unordered_map>

static void *volatile sink;

extern "C" __attribute__((noinline)) void module_leak()
{
	for (int i = 0; i < 2; i++)
		sink = ::operator new(48);
}

static long run(long count)
{
	std::unordered_map<std::string, std::string> table;

	if (count < 0)
		throw std::invalid_argument("negative " + std::to_string(count));
	module_leak();
	for (long i = 0; i < count; i++) {
		table["key " + std::to_string(i)] = std::string(static_cast<size_t>(i % 100), 'x');
		try {
			if (i % 10 == 0)
				throw std::runtime_error(std::to_string(i));
		} catch (const std::runtime_error &error) {
			table[error.what()] = "thrown";
		}
	}
	return static_cast<long>(table.size());
}

static PyObject *work(PyObject *, PyObject *args)
{
	long count;

	if (!PyArg_ParseTuple(args, "l", &count))
		return nullptr;
	try {
		return PyLong_FromLong(run(count));
	} catch (const std::exception &error) {
		PyErr_SetString(PyExc_ValueError, error.what());
		return nullptr;
	}
}

static PyMethodDef methods[] = {
	{ "work", work, METH_VARARGS, "Make strings, throw and catch." },
	{ nullptr, nullptr, 0, nullptr },
};

static PyModuleDef definition = { PyModuleDef_HEAD_INIT, "python_module", nullptr, -1, methods };

PyMODINIT_FUNC PyInit_python_module()
{
	return PyModule_Create(&definition);
}
